// One subject of bench:delivery: logs COUNT lines in bursts with a turn of the event loop in between, waits for the receipts, and prints what that took.
const [subject, target, count] = [process.argv[2], process.argv[3], Number(process.argv[4])]
const BURST = 200

const SUBJECTS = {
  file: () => tracelane(({ fileSink }) => fileSink({ path: '/dev/null' })),
  http: () => tracelane(({ httpSink }) => httpSink({ url: target })),
  otlp: () => tracelane(({ otlpSink }) => otlpSink({ url: target })),
  elasticsearch: () => tracelane(({ elasticsearchSink }) => elasticsearchSink({ url: target, layout: 'json' })),
  otelSdk,
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

function otelSdk() {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs')
  const { OTLPLogExporter } = require('@opentelemetry/exporter-logs-otlp-proto')
  const exporter = new OTLPLogExporter({ url: `${target}/v1/logs`, compression: 'gzip' })
  // Its default of 2048 waiting records would lose most of a burst.
  const options = { exporter, maxQueueSize: count, exportTimeoutMillis: 120_000 }
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor(options)] })
  const logger = provider.getLogger('bench')
  return {
    log: (attributes) => logger.emit({ severityNumber: 9, severityText: 'INFO', body: 'order placed', attributes }),
    end: async () => {
      await provider.forceFlush()
      await provider.shutdown()
      return count
    },
  }
}

async function main() {
  const { log, end } = SUBJECTS[subject]()
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
}

void main()
