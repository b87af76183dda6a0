// One subject of bench:delivery: logs lines in bursts with a turn of the event loop in between, waits for the receipts, and prints what that took.
const { readFileSync } = require('node:fs')
const peers = require('./delivery-peers.cjs')

const [subject, place] = [process.argv[2], JSON.parse(process.argv[3])]
const { count } = place
const BURST = 200

const SUBJECTS = {
  ...peers,
  file: () => tracelane(({ fileSink }) => fileSink({ path: '/dev/null' })),
  http: ({ url }) => tracelane(({ httpSink }) => httpSink({ url })),
  httpPlain: ({ url }) => tracelane(({ httpSink }) => httpSink({ url, gzip: false })),
  httpOneWay: ({ url }) => tracelane(({ httpSink }) => httpSink({ url, gzip: false, mode: 'one-way' })),
  otlp: ({ url }) => tracelane(({ otlpSink }) => otlpSink({ url })),
  elasticsearch: ({ url }) => tracelane(({ elasticsearchSink }) => elasticsearchSink({ url, layout: 'json' })),
  kafka: ({ brokers, topic }) => tracelane(({ kafkaSink }) => kafkaSink({ brokers, topic })),
}

function tracelane(sinkOf) {
  const kit = require('../../../dist/index.js')
  kit.configure({ service: 'bench', sinks: [sinkOf(kit)], queueBytes: 2 ** 29, overflow: 'block', maxFlushTimeMs: 120_000 })
  const logger = kit.getLogger('bench')
  return {
    log: (fields) => logger.info('order placed', fields),
    end: async () => (await kit.close()).delivered,
  }
}

/* CPU time of the thread that logs, in nanoseconds: where three threads share two cores, the time of a clock would be that of waiting for one. */
function threadCpuNs() {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0])
}

async function main() {
  const { log, end } = SUBJECTS[subject](place)
  const start = performance.now()
  const startNs = threadCpuNs()
  for (let i = 0; i < count; ) {
    for (let n = 0; n < BURST && i < count; n++, i++) log({ order: i, customer: 'c-1234', total: i / 100 })
    await new Promise((resolve) => setImmediate(resolve))
  }
  const callerNs = (threadCpuNs() - startNs) / count
  const delivered = await end()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage()
  process.stdout.write(JSON.stringify({ delivered, ms, callerNs, cpuUs: (user + system) / count }))
  // Some peers would keep the process alive.
  process.exit()
}

void main()
