// What does it take to bring lines to a server? tracelane's sinks on the network beside the OpenTelemetry SDK with its OTLP exporter (protobuf, gzip), and beside
// a file sink that writes to nowhere: events a second until the last receipt is there, and what a log call costs the thread that logs.
//
//   npm run bench:delivery                7 rounds of 100,000 lines
//   ROUNDS=1 COUNT=20000                  a shorter run
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 7)
const COUNT = Number(process.env.COUNT ?? 100_000)
const RUN = fileURLToPath(new URL('support/delivery-run.cjs', import.meta.url))
const TITLES = {
  otelSdk: 'OpenTelemetry SDK, OTLP exporter',
  otlp: '`otlpSink`',
  http: '`httpSink`',
  elasticsearch: '`elasticsearchSink`',
  file: '`fileSink` to `/dev/null`',
}

if (!isMainThread) serve()
else await measure()

/* Takes everything and has no opinion on it. */
function serve() {
  const server = createServer((req, res) => {
    req.resume().on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end('{"errors":false}'))
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
}

async function measure() {
  const server = new Worker(fileURLToPath(import.meta.url))
  const port = await new Promise((resolve) => server.once('message', resolve))
  const results = Object.fromEntries(Object.keys(TITLES).map((subject) => [subject, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of shuffled(Object.keys(TITLES))) results[subject].push(await run(subject, port))
  }
  await server.terminate()
  const rows = Object.entries(TITLES).map(([subject, title]) => [
    title,
    Math.round(median(results[subject].map(({ ms }) => (COUNT / ms) * 1000))).toLocaleString('en'),
    ratio(results, subject, ({ ms }) => 1 / ms, 'otelSdk'),
    Math.round(median(results[subject].map(({ callerNs }) => callerNs))).toLocaleString('en'),
    ratio(results, subject, ({ callerNs }) => callerNs, 'file'),
    median(results[subject].map(({ cpuUs }) => cpuUs)).toFixed(1),
  ])
  const header = ['', 'events/s', 'of the SDK’s', 'ns a call', 'of the file’s', 'µs CPU an event']
  const how = `${COUNT.toLocaleString('en')} lines in bursts of 200, ${ROUNDS} rounds, in each every row once, in random order; ratios are of the same round. ${machine()}`
  publish('bench:delivery', `${table(header, rows)}\n\n${how}`)
}

function ratio(results, subject, of, base) {
  return withInterval(
    results[subject].map((result, i) => of(result) / of(results[base][i])),
    2,
  )
}

async function run(subject, port) {
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, subject, `http://127.0.0.1:${port}`, String(COUNT)], {
    timeout: 180_000,
  })
  const result = JSON.parse(stdout)
  if (result.delivered !== COUNT) throw new Error(`${subject} delivered ${result.delivered} of ${COUNT}`)
  return result
}
