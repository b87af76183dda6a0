// What does a trace cost an axios call? GET of a plain server in another process, keep-alive; CPU is that of the client.
// `--write` puts the table into docs/reference/benchmarks.md.
import { compare, HOW, report, SECONDS, warmUp } from './support/compare.mjs'
import { machine, publish, version } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'
import { agent, start } from './support/runs.mjs'

const ROWS = {
  bare: `bare axios ${version('axios')}`,
  quiet: 'tracelane, `spans: false`',
  unheard: "tracelane as shipped, with another's logger",
  otel: `OpenTelemetry, instrumentation-http ${version('@opentelemetry/instrumentation-http')}`,
  datadog: `dd-trace ${version('dd-trace')}`,
}

const node = benchNode()
const sink = await agent()
const server = await start(node, 'plain-server.mjs', [])
const rounds = await compare(Object.keys(ROWS), open)
await server.stop()
sink.close()
const note = `20 calls in flight. ${HOW} ${machine(node.version)}`
publish('bench:axios', [report('call', ROWS, rounds), note].join('\n\n'))

async function open(row) {
  const client = await start(node, 'axios-client.mjs', [row, String(server.ready)], { BENCH_AGENT: String(sink.port) })
  await warmUp((seconds) => client.ask({ seconds }))
  return { measure: () => client.ask({ seconds: SECONDS }), close: () => client.stop() }
}
