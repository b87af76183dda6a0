// The loggers of log-call.mjs. Each row sets one up for a file: `enter(work)` calls `work` in a trace of its own and returns its id,
// `log(i)` logs line i inside it, `close()` resolves when the last line is in the file.
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { version } from './measure.mjs'

const MESSAGE = 'order placed'
const USERS = Array.from({ length: 1024 }, (_, i) => `user-${i}`)

/** The three fields of line `i`; `items` is its number. */
export const fieldsOf = (i) => ({ userId: USERS[i & 1023], amount: 99.5 + (i & 7), items: i })

export const TITLES = {
  none: 'no logger: the loop, the fields and the context',
  tracelane: 'tracelane',
  pinoBest: `pino ${version('pino')}, worker transport, child, \`base: null\``,
  pinoTransport: 'pino, worker transport, mixin',
  pinoAsync: 'pino, `sync: false`, mixin',
  pinoSync: 'pino, file, mixin',
  winston: `winston ${version('winston')}, file, child`,
  bunyan: `bunyan ${version('bunyan')}, file, child`,
  log4js: `log4js ${version('log4js')}, file, JSON layout`,
  logtape: `LogTape ${version('@logtape/logtape')}, file sink, withContext`,
  console: 'console.log of JSON to a file',
  otel: `OpenTelemetry sdk-logs ${version('@opentelemetry/sdk-logs')}, batches as JSON to a file`,
}

const als = new AsyncLocalStorage()
const traceId = () => als.getStore().traceId

function enter(work) {
  const id = randomUUID().replaceAll('-', '')
  als.run({ traceId: id }, work)
  return id
}

async function pinoOn(destination, options, child = false) {
  const { pino } = await import('pino')
  const root = pino(options, destination)
  let logger = root
  return {
    enter: (work) =>
      enter(() => {
        if (child) logger = root.child({ traceId: traceId() })
        work()
      }),
    log: (i) => logger.info(fieldsOf(i), MESSAGE),
    async close() {
      const closed = once(destination, 'close')
      destination.end()
      await closed
    },
  }
}

const mixin = () => ({ traceId: traceId() })

async function pinoTransport(file, options, child) {
  const { pino } = await import('pino')
  return pinoOn(pino.transport({ target: 'pino/file', options: { destination: file } }), options, child)
}

async function pinoFile(file, sync) {
  const { pino } = await import('pino')
  return pinoOn(pino.destination({ dest: file, sync, minLength: sync ? 0 : 4096 }), { mixin })
}

async function tracelane(file) {
  const { close, configure, currentTraceId, fileSink, getLogger, runWithTrace } = await import('tracelane')
  // As shipped, but for the bound of the queue: the burst must not be discarded, and no peer has a bound.
  void configure({ sinks: [fileSink({ path: file })], queueBytes: 16 * 2 ** 20, overflow: 'block' })
  const logger = getLogger('orders.checkout')
  return {
    enter: (work) =>
      runWithTrace(() => {
        work()
        return currentTraceId()
      }),
    log: (i) => logger.info(MESSAGE, fieldsOf(i)),
    async close() {
      const { delivered } = await close()
      if (delivered === 0) throw new Error('nothing was delivered')
    },
  }
}

async function winston(file) {
  const { default: winston } = await import('winston')
  const transport = new winston.transports.File({ filename: file })
  const root = winston.createLogger({ format: winston.format.json(), transports: [transport] })
  let logger = root
  return {
    enter: (work) =>
      enter(() => {
        logger = root.child({ traceId: traceId() })
        work()
      }),
    log: (i) => logger.info(MESSAGE, fieldsOf(i)),
    async close() {
      const finished = once(transport, 'finish')
      root.end()
      await finished
    },
  }
}

async function bunyan(file) {
  const { default: bunyan } = await import('bunyan')
  const root = bunyan.createLogger({ name: 'orders', streams: [{ path: file }] })
  let logger = root
  return {
    enter: (work) =>
      enter(() => {
        logger = root.child({ traceId: traceId() }, true)
        work()
      }),
    log: (i) => logger.info(fieldsOf(i), MESSAGE),
    async close() {
      const { stream } = root.streams[0]
      stream.end()
      await once(stream, 'finish')
    },
  }
}

async function log4js(file) {
  const { default: log4js } = await import('log4js')
  log4js.addLayout(
    'json',
    () =>
      ({ startTime, level, categoryName, data: [msg, fields] }) =>
        JSON.stringify({ time: startTime, level: level.levelStr, logger: categoryName, msg, ...fields }),
  )
  log4js.configure({
    appenders: { out: { type: 'file', filename: file, layout: { type: 'json' } } },
    categories: { default: { appenders: ['out'], level: 'info' } },
  })
  const logger = log4js.getLogger('orders')
  return {
    enter,
    log: (i) => logger.info(MESSAGE, { traceId: traceId(), ...fieldsOf(i) }),
    close: () => new Promise((resolve) => log4js.shutdown(resolve)),
  }
}

async function logtape(file) {
  const { configure, dispose, getLogger, jsonLinesFormatter, withContext } = await import('@logtape/logtape')
  const { getFileSink } = await import('@logtape/file')
  await configure({
    sinks: { out: getFileSink(file, { formatter: jsonLinesFormatter }) },
    loggers: [
      { category: 'orders', sinks: ['out'], lowestLevel: 'info' },
      { category: ['logtape', 'meta'], sinks: [] },
    ],
    contextLocalStorage: new AsyncLocalStorage(),
  })
  const logger = getLogger('orders')
  return {
    enter: (work) => enter(() => withContext({ traceId: traceId() }, work)),
    log: (i) => logger.info(MESSAGE, fieldsOf(i)),
    close: () => dispose(),
  }
}

/* Its stdout is the file. */
async function plainConsole() {
  return {
    enter,
    log: (i) => console.log(JSON.stringify({ time: Date.now(), msg: MESSAGE, traceId: traceId(), ...fieldsOf(i) })),
    close: async () => undefined,
  }
}

async function otel(file) {
  const { context, trace, ROOT_CONTEXT } = await import('@opentelemetry/api')
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks')
  const { LoggerProvider, BatchLogRecordProcessor } = await import('@opentelemetry/sdk-logs')
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const fd = openSync(file, 'a')
  const exporter = {
    export(records, done) {
      let text = ''
      for (const { hrTime, severityText, body, attributes, spanContext } of records)
        text += `${JSON.stringify({ time: hrTime, level: severityText, msg: body, traceId: spanContext.traceId, ...attributes })}\n`
      writeSync(fd, text)
      done({ code: 0 })
    },
    forceFlush: async () => undefined,
    shutdown: async () => closeSync(fd),
  }
  // With the queue of 2048 that it has as shipped, most of the burst would be dropped.
  const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: 2 ** 24 })
  const provider = new LoggerProvider({ processors: [processor] })
  const logger = provider.getLogger('orders')
  return {
    enter(work) {
      const id = randomUUID().replaceAll('-', '')
      const span = { traceId: id, spanId: id.slice(16), traceFlags: 1 }
      context.with(trace.setSpanContext(ROOT_CONTEXT, span), work)
      return id
    },
    log: (i) => logger.emit({ severityNumber: 9, severityText: 'INFO', body: MESSAGE, attributes: fieldsOf(i) }),
    close: () => provider.shutdown(),
  }
}

async function none() {
  let last
  return {
    enter,
    log(i) {
      last = fieldsOf(i)
    },
    async close() {
      if (last === undefined) throw new Error('nothing was done')
    },
  }
}

export const OPEN = {
  none,
  tracelane,
  pinoBest: (file) => pinoTransport(file, { base: null }, true),
  pinoTransport: (file) => pinoTransport(file, { mixin }),
  pinoAsync: (file) => pinoFile(file, false),
  pinoSync: (file) => pinoFile(file, true),
  winston,
  bunyan,
  log4js,
  logtape,
  console: plainConsole,
  otel,
}
