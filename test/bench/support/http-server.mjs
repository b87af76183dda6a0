// An Express app that answers 'hello', with the tracer that the row names. Arguments: row, express or express4.
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { otelExpress, otelHttp, startDatadog, startOpenTelemetry } from './peers.mjs'
import { cpuMicros, serveParent } from './runs.mjs'

const require = createRequire(import.meta.url)
const [, , row, express] = process.argv

const traced = (options) => [require('tracelane/middleware/express').traceMiddleware(options)]

/* What each row does before Express is loaded, and the middleware that it puts first. */
const ROWS = {
  bare: () => [],
  quiet: () => traced({ spans: false }),
  unheard: () => traced(),
  shipped() {
    const { configure, fileSink } = require('tracelane')
    void configure({ sinks: [fileSink({ path: join(tmpdir(), `tracelane-bench-${process.pid}.log`) })] })
    return traced()
  },
  rtracer: () => [require('cls-rtracer').expressMiddleware()],
  otel() {
    startOpenTelemetry(otelHttp(), otelExpress())
    return []
  },
  datadog() {
    startDatadog()
    return []
  },
}

const first = ROWS[row]()
const app = require(express)()
for (const middleware of first) app.use(middleware)
app.get('/', (_req, res) => res.send('hello'))
const server = app.listen(0, '127.0.0.1', () => serveParent(server.address().port, () => cpuMicros()))
