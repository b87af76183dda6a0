// What other loggers bring lines to servers with, for bench:delivery. Each gives `log(fields)` and `end()`, which resolves with how many lines were delivered.
const { get } = require('node:http')

const MESSAGE = 'order placed'
// Whose last batch takes longer than this on a busy machine has lost nothing.
const QUIET_MS = 20_000

/** OpenTelemetry's SDK, its batches and its exporter of protobuf, compressed. */
function otelSdk({ url, count }) {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs')
  const { OTLPLogExporter } = require('@opentelemetry/exporter-logs-otlp-proto')
  const exporter = new OTLPLogExporter({ url: `${url}/v1/logs`, compression: 'gzip' })
  // Its default of 2048 waiting records would lose most of a burst.
  const options = { exporter, maxQueueSize: count, exportTimeoutMillis: 120_000 }
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor(options)] })
  const logger = provider.getLogger('bench')
  return {
    log: (attributes) => logger.emit({ severityNumber: 9, severityText: 'INFO', body: MESSAGE, attributes }),
    end: async () => {
      await provider.forceFlush()
      await provider.shutdown()
      return count
    },
  }
}

/** A transport of pino on its thread. */
const pinoTransport = (target, optionsOf) => (place) => {
  const pino = require('pino')
  const transport = pino.transport({ target, options: optionsOf(place) })
  const logger = pino(transport)
  return {
    log: (fields) => logger.info(fields, MESSAGE),
    end: () => {
      transport.end()
      return arrived(place)
    },
  }
}

const pinoOtel = pinoTransport('pino-opentelemetry-transport', ({ url, count }) => ({
  loggerName: 'bench',
  serviceVersion: '1',
  logRecordProcessorOptions: {
    recordProcessorType: 'batch',
    processorConfig: { maxQueueSize: count, exportTimeoutMillis: 120_000 },
    exporterOptions: { protocol: 'http/protobuf', protobufExporterOptions: { url: `${url}/v1/logs` } },
  },
}))

// 0: its buffer would drop the oldest lines of a burst.
const pinoLoki = pinoTransport('pino-loki', ({ url }) => ({ host: url, batching: { interval: 0.1, maxBufferSize: 0 } }))

const pinoSocket = pinoTransport('pino-socket', ({ tcpPort }) => ({ address: '127.0.0.1', port: tcpPort, mode: 'tcp' }))

/** winston's own transport, which sends batches if it is told to. */
function winstonHttp(place) {
  const { createLogger, format, transports } = require('winston')
  const { hostname, port } = new URL(place.url)
  const batches = { batch: true, batchCount: 1_000, batchInterval: 100 }
  const transport = new transports.Http({ host: hostname, port: Number(port), path: '/winston', ...batches })
  const logger = createLogger({ format: format.json(), transports: [transport] })
  return { log: (fields) => logger.info(MESSAGE, fields), end: () => arrived(place) }
}

/** A producer that is called where the line is made, and whose answers are awaited in the end. */
function kafkaProducer({ brokers, topic }) {
  const { Producer, stringSerializers } = require('@platformatic/kafka')
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: brokers, serializers: stringSerializers })
  const sent = []
  return {
    log: (fields) => {
      const value = JSON.stringify({ time: Date.now(), level: 'info', msg: MESSAGE, ...fields })
      sent.push(producer.send({ messages: [{ topic, key: fields.customer, value }] }))
    },
    end: async () => {
      const results = await Promise.allSettled(sent)
      await producer.close()
      return results.filter(({ status }) => status === 'fulfilled').length
    },
  }
}

/* What says nothing of receipts has delivered what the server has got. */
async function arrived({ url, count }) {
  let last = 0
  let since = performance.now()
  for (;;) {
    const there = await lines(`${url}/lines`)
    if (there >= count || (there === last && performance.now() - since > QUIET_MS)) return there
    if (there !== last) since = performance.now()
    last = there
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function lines(url) {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(Number(text)))
    }).on('error', reject)
  })
}

module.exports = { otelSdk, pinoOtel, pinoLoki, pinoSocket, winstonHttp, kafkaProducer }
