// What does a trace cost an Express app? Hello world, bare, with tracelane and with its peers.
//
// Server and load are processes of their own. CPU is that of the server's whole process, flush thread included, per request. `--write` puts
// the tables into docs/reference/benchmarks.md; ROUNDS=3, ONLY=quiet,rtracer and EXPRESS=express4 make a shorter run.
import { compare, HOW, report, SECONDS, warmUp } from './support/compare.mjs'
import { machine, publish, version } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'
import { agent, start } from './support/runs.mjs'

const EXPRESS = (process.env.EXPRESS ?? 'express,express4').split(',')
const ROWS = {
  bare: 'bare Express',
  quiet: 'tracelane, `spans: false`',
  unheard: "tracelane as shipped, with another's logger",
  shipped: 'tracelane as shipped, with its own logger and a file: one access event a request',
  rtracer: `cls-rtracer ${version('cls-rtracer')}`,
  otel: `OpenTelemetry, instrumentation-http ${version('@opentelemetry/instrumentation-http')} and -express ${version('@opentelemetry/instrumentation-express')}`,
  datadog: `dd-trace ${version('dd-trace')}`,
}

const node = benchNode()
const sink = await agent()
const load = await start(node, 'load.mjs', [])
const tables = []
for (const express of EXPRESS) {
  const rounds = await compare(Object.keys(ROWS), (row) => open(row, express))
  tables.push(`**Express ${version(express)}**`, report('request', ROWS, rounds))
}
await load.stop()
sink.close()
const note = [
  `50 connections. ${HOW}`,
  `OpenTelemetry batches its spans for an exporter that drops them, dd-trace sends its own to an agent that drops them. ${machine(node.version)}`,
]
publish('bench:http', [...tables, note.join('\n')].join('\n\n'))

async function open(row, express) {
  const server = await start(node, 'http-server.mjs', [row, express], { BENCH_AGENT: String(sink.port) })
  await warmUp((seconds) => load.ask({ port: server.ready, seconds }))
  return {
    async measure() {
      const before = await server.ask('cpu')
      const { count, perSecond, p99 } = await load.ask({ port: server.ready, seconds: SECONDS })
      return { cpu: ((await server.ask('cpu')) - before) / count, perSecond, p99 }
    },
    close: () => server.stop(),
  }
}
