// One subject of bench:delivery: logs lines in bursts with a turn of the event loop in between, waits for the receipts, and prints what that took.
const peers = require('./delivery-peers.cjs')

const [subject, place] = [process.argv[2], JSON.parse(process.argv[3])]
const { count } = place
const BURST = 200

const SUBJECTS = {
  ...peers,
  file: () => tracelane(({ fileSink }) => fileSink({ path: '/dev/null' })),
  http: ({ url }) => tracelane(({ httpSink }) => httpSink({ url })),
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

async function main() {
  const { log, end } = SUBJECTS[subject](place)
  const start = performance.now()
  let caller = 0
  for (let i = 0; i < count; ) {
    const before = performance.now()
    for (let n = 0; n < BURST && i < count; n++, i++) log({ order: i, customer: 'c-1234', total: i / 100 })
    caller += performance.now() - before
    await new Promise((resolve) => setImmediate(resolve))
  }
  const delivered = await end()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage()
  process.stdout.write(JSON.stringify({ delivered, ms, callerNs: (caller * 1e6) / count, cpuUs: (user + system) / count }))
  // Some peers would keep the process alive.
  process.exit()
}

void main()
