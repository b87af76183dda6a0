// The rows of files.mjs that are whole loggers. Each opens one in `folder`, whose files end at `bytes` bytes, or never if that is undefined:
// `write(i)` logs line i, `drained()` resolves when all of them are written.
import { once } from 'node:events'
import { join } from 'node:path'
import { version } from './measure.mjs'

const MESSAGE = 'order placed'
const fieldsOf = (i) => ({ i, userId: `user-${i & 1023}`, pad: 'x'.repeat(64) })

async function tracelane(folder, bytes) {
  const { close, configure, fileSink, getLogger, rollingFileSink } = await import('tracelane')
  const path = join(folder, 'app.log')
  const filePattern = join(folder, 'app.%i.log')
  const sink = bytes === undefined ? fileSink({ path }) : rollingFileSink({ path, filePattern, maxFileBytes: bytes })
  void configure({ sinks: [sink], overflow: 'block', appendTimeoutMs: 60_000, maxFlushTimeMs: 60_000 })
  const log = getLogger('orders')
  return { write: (i) => log.info(MESSAGE, fieldsOf(i)), drained: () => close() }
}

async function onStream(makeStream) {
  const { pino } = await import('pino')
  const stream = await makeStream(pino)
  const log = pino(stream)
  const drained = async () => {
    const ended = once(stream, 'close')
    stream.end()
    await ended
  }
  return { write: (i) => log.info(fieldsOf(i), MESSAGE), drained }
}

function pinoRoll(folder, bytes) {
  const file = join(folder, 'app')
  return onStream((pino) =>
    bytes === undefined
      ? pino.transport({ target: 'pino/file', options: { destination: `${file}.log` } })
      : pino.transport({ target: 'pino-roll', options: { file, extension: '.log', size: `${bytes / 2 ** 20}m` } }),
  )
}

function rotatingFileStream(folder, bytes) {
  return onStream(async () => {
    const { createStream } = await import('rotating-file-stream')
    return createStream('app.log', { path: folder, ...(bytes === undefined ? {} : { size: `${bytes / 2 ** 20}M` }) })
  })
}

async function winstonOn(transport) {
  const { default: winston } = await import('winston')
  const log = winston.createLogger({ format: winston.format.json(), transports: [transport(winston)] })
  const drained = async () => {
    const finished = once(log.transports[0], 'finish')
    log.end()
    await finished
  }
  return { write: (i) => log.info(MESSAGE, fieldsOf(i)), drained }
}

function winston(folder, bytes) {
  const options = { filename: join(folder, 'app.log'), ...(bytes === undefined ? {} : { maxsize: bytes }) }
  return winstonOn(({ transports }) => new transports.File(options))
}

async function winstonDaily(folder, bytes) {
  const { default: DailyRotateFile } = await import('winston-daily-rotate-file')
  const options = { filename: join(folder, 'app-%DATE%.log'), auditFile: join(folder, 'audit.json') }
  return winstonOn(() => new DailyRotateFile({ ...options, ...(bytes === undefined ? {} : { maxSize: bytes }) }))
}

async function log4js(folder, bytes) {
  const { default: log4js } = await import('log4js')
  log4js.addLayout(
    'json',
    () =>
      ({ startTime, level, data: [msg, more] }) =>
        JSON.stringify({ time: startTime, level: level.levelStr, msg, ...more }),
  )
  const rolling = bytes === undefined ? {} : { maxLogSize: bytes, backups: 1000 }
  log4js.configure({
    appenders: { out: { type: 'file', filename: join(folder, 'app.log'), layout: { type: 'json' }, ...rolling } },
    categories: { default: { appenders: ['out'], level: 'info' } },
  })
  const log = log4js.getLogger('orders')
  return { write: (i) => log.info(MESSAGE, fieldsOf(i)), drained: () => new Promise((resolve) => log4js.shutdown(resolve)) }
}

export const LOGGERS = {
  tracelane: ['tracelane, `rollingFileSink`', tracelane],
  pinoRoll: [`pino-roll ${version('pino-roll')}, pino's worker transport`, pinoRoll],
  rotatingFileStream: [`rotating-file-stream ${version('rotating-file-stream')}, under pino`, rotatingFileStream],
  winston: [`winston ${version('winston')}, \`File\` with \`maxsize\``, winston],
  winstonDaily: [`winston-daily-rotate-file ${version('winston-daily-rotate-file')}`, winstonDaily],
  log4js: [`log4js ${version('log4js')}, \`file\` with \`maxLogSize\``, log4js],
}
