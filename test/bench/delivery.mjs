// What does it take to bring lines to a server? tracelane's sinks on the network beside what others have: the OpenTelemetry SDK with its OTLP exporter, transports of
// pino and winston, a Kafka producer that the handler calls; and beside a file sink that writes to nowhere. Events a second until the last receipt is there, or the
// last line has arrived, and what a line costs the thread that logs, in CPU time, until the last one is logged. Linux only.
//
//   npm run bench:delivery                7 rounds of 1,000,000 lines
//   ROUNDS=1 COUNT=20000                  a shorter run
//   ONLY=otlp,otelSdk,file                some rows
//   KAFKA=1                               with the rows of Kafka, whose broker is started (it needs Java and Maven)
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createServer as createTcpServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { machine, median, publish, shuffled, table, version, withInterval } from './support/measure.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 7)
const COUNT = Number(process.env.COUNT ?? 1_000_000)
const RUN = fileURLToPath(new URL('support/delivery-run.cjs', import.meta.url))
const BROKER = fileURLToPath(new URL('../../dist/test/brokers/kafka/start.js', import.meta.url))
const TOPIC = 'bench'
const MARK = 'order placed'
/* The title of a row, the peer that it is compared with, and what share of the lines it logs: some would take minutes. */
const ROWS = {
  otelSdk: { title: 'OpenTelemetry SDK, OTLP exporter', peer: 'otelSdk' },
  pinoOtel: { title: `pino-opentelemetry-transport ${version('pino-opentelemetry-transport')}`, peer: 'otelSdk', share: 0.2 },
  otlp: { title: '`otlpSink`', peer: 'otelSdk' },
  pinoSocket: { title: `pino-socket ${version('pino-socket')}: TCP, uncompressed, no receipts`, peer: 'pinoSocket' },
  winstonHttp: { title: `winston ${version('winston')}, its HTTP transport`, peer: 'pinoSocket', share: 0.2 },
  httpOneWay: { title: "`httpSink`, `gzip: false`, `mode: 'one-way'`", peer: 'pinoSocket' },
  httpPlain: { title: '`httpSink`, `gzip: false`', peer: 'pinoSocket' },
  http: { title: '`httpSink` as shipped: compressed, each batch acknowledged', peer: 'pinoSocket' },
  pinoLoki: { title: `pino-loki ${version('pino-loki')}`, peer: 'pinoLoki', share: 0.2 },
  elasticsearch: { title: '`elasticsearchSink`', peer: 'pinoLoki' },
  kafkaProducer: { title: 'a Kafka producer called for each line', peer: 'kafkaProducer', share: 0.05 },
  kafka: { title: '`kafkaSink`', peer: 'kafkaProducer' },
  file: { title: '`fileSink` to `/dev/null`', peer: 'file' },
}

if (!isMainThread) await serve()
else await measure()

/* Takes everything and has no opinion on it. Of bodies that are not compressed it counts the lines, for those who get no receipts. */
async function serve() {
  let lines = 0
  const server = createServer((req, res) => {
    if (req.url === '/lines') {
      res.end(String(lines))
      return
    }
    const count = counterOf(MARK)
    if (req.headers['content-encoding'] !== undefined) req.resume()
    else
      req.on('data', (chunk) => {
        lines += count(chunk)
      })
    req.on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"errors":false}')
    })
  })
  const sockets = createTcpServer((socket) => {
    const count = counterOf('\n')
    socket.on('data', (chunk) => {
      lines += count(chunk)
    })
  })
  for (const listener of [server, sockets]) await once(listener.listen(0, '127.0.0.1'), 'listening')
  parentPort.on('message', () => {
    lines = 0
  })
  parentPort.postMessage({ url: `http://127.0.0.1:${server.address().port}`, tcpPort: sockets.address().port })
}

/* Counts a mark in what comes chunk by chunk, where it may lie in two of them. */
function counterOf(mark) {
  let tail = Buffer.alloc(0)
  return (chunk) => {
    const bytes = Buffer.concat([tail, chunk])
    let marks = 0
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) marks++
    tail = bytes.subarray(Math.max(0, bytes.length - mark.length + 1))
    return marks
  }
}

async function measure() {
  const server = new Worker(fileURLToPath(import.meta.url))
  const [place] = await once(server, 'message')
  const broker = process.env.KAFKA === '1' ? await startBroker() : undefined
  const asked = process.env.ONLY?.split(',') ?? Object.keys(ROWS)
  const subjects = asked.filter((subject) => broker !== undefined || !subject.startsWith('kafka'))
  const results = Object.fromEntries(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of shuffled(subjects)) {
      server.postMessage('reset')
      const count = Math.round(COUNT * (ROWS[subject].share ?? 1))
      results[subject].push(await run(subject, { ...place, count, brokers: broker?.addresses, topic: TOPIC }))
    }
  }
  await Promise.all([server.terminate(), broker?.stop()])
  publish('bench:delivery', report(subjects, results, broker === undefined))
}

function report(subjects, results, isWithoutKafka) {
  const rows = subjects.map((subject) => {
    const all = results[subject]
    const { title, peer } = ROWS[subject]
    const lost = median(all.map(({ lost }) => lost))
    return [
      lost === 0 ? title : `${title}; lost ${(lost * 100).toFixed(1)} %`,
      Math.round(median(all.map(({ perSecond }) => perSecond))).toLocaleString('en'),
      ratio(results, subject, ({ perSecond }) => perSecond, peer),
      Math.round(median(all.map(({ callerNs }) => callerNs))).toLocaleString('en'),
      ratio(results, subject, ({ callerNs }) => callerNs, 'file'),
      median(all.map(({ cpuUs }) => cpuUs)).toFixed(1),
    ]
  })
  const header = ['', 'events/s', 'of its peer’s', 'ns CPU a line', 'of the file’s', 'µs CPU an event']
  const how = [
    `${COUNT.toLocaleString('en')} lines in bursts of 200, a fifth of that of pino-opentelemetry-transport, winston and pino-loki, a twentieth of the Kafka producer; ${ROUNDS} rounds, in each every row once, in random order; ratios are of the same round.`,
    'The peer of a sink is the first row above it that is 1.00. The SDK and our sinks compress, unless their row says otherwise; the transports of pino and winston do not. The CPU of a line is that of the thread that logs, until the last line is logged.',
    ...(isWithoutKafka ? ['Kafka was not there (`KAFKA=1` starts it).'] : []),
    machine(),
  ]
  return `${table(header, rows)}\n\n${how.join(' ')}`
}

function ratio(results, subject, of, base) {
  if (results[base] === undefined) return '—'
  return withInterval(
    results[subject].map((result, i) => of(result) / of(results[base][i])),
    2,
  )
}

async function run(subject, place) {
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, subject, JSON.stringify(place)], {
    timeout: 180_000,
  })
  const { delivered, ms, callerNs, cpuUs } = JSON.parse(stdout)
  return { perSecond: (delivered / ms) * 1000, lost: 1 - delivered / place.count, callerNs, cpuUs }
}

/* The broker of test/brokers, in a process of its own; undefined, said aloud, if it cannot be had here. */
async function startBroker() {
  const child = spawn(process.execPath, [BROKER], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const [said] = await Promise.race([once(child.stdout, 'data'), ended.then(() => [])])
  if (said === undefined || said === null) {
    process.stderr.write('Kafka cannot be started here, so its rows are left out.\n')
    return undefined
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  const addresses = String(said).trim().split(',')
  const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs')
  const admin = new Kafka({ brokers: addresses, clientId: 'bench', logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: 8 }] })
  await admin.disconnect()
  return { addresses, stop }
}
