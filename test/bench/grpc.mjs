// What does a trace cost a unary gRPC call? An echo of 64 bytes, with tracers at both ends.
//
// Client and server are processes of their own; CPU is that of both together, per call. `--write` puts the table into the docs.
import { compare, HOW, report, SECONDS, warmUp } from './support/compare.mjs'
import { machine, publish, version } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'
import { start } from './support/runs.mjs'

const ROWS = {
  bare: `bare grpc-js ${version('@grpc/grpc-js')}`,
  least: 'five headers and an `AsyncLocalStorage.run()`, the least that there can be',
  quiet: 'tracelane, `spans: false`',
  unheard: "tracelane as shipped, with another's logger",
  otel: `OpenTelemetry, instrumentation-grpc ${version('@opentelemetry/instrumentation-grpc')}`,
}

const node = benchNode()
const rounds = await compare(Object.keys(ROWS), open)
const note = `20 calls in flight, CPU of both ends. ${HOW} ${machine(node.version)}`
publish('bench:grpc', [report('call', ROWS, rounds), note].join('\n\n'))

async function open(row) {
  const server = await start(node, 'grpc-end.mjs', ['server', row])
  const client = await start(node, 'grpc-end.mjs', ['client', row, String(server.ready)])
  await warmUp((seconds) => client.ask({ seconds }))
  return {
    async measure() {
      const before = await server.ask('cpu')
      const { count, perSecond, p99, cpu } = await client.ask({ seconds: SECONDS })
      return { cpu: cpu + ((await server.ask('cpu')) - before) / count, perSecond, p99 }
    },
    async close() {
      await client.stop()
      await server.stop()
    },
  }
}
