// The peers of loss.mjs, each set up as its own documentation does it, with JSON lines. `open` gives a function that logs line i. Throws an
// error of code NOT_THERE where a peer has nothing for that destination.
const { version } = require('./version.cjs')

const fields = (i) => ({ userId: `user-${i & 1023}`, items: i })
const message = (i) => `line ${i} end`

function notThere(what) {
  throw Object.assign(new Error(what), { code: 'NOT_THERE' })
}

const fileOnly = ({ destination }) => destination === 'http' && notThere('an HTTP destination of its own')

function pinoOn(options) {
  return (config) => {
    fileOnly(config)
    const pino = require('pino')
    const dest = config.destination === 'file' ? config.target : 1
    const stream = options === 'transport' ? pino.transport({ target: 'pino/file', options: { destination: dest } }) : undefined
    const log = pino(stream ?? pino.destination({ dest, ...options }))
    return (i) => log.info(fields(i), message(i))
  }
}

function winston({ destination, target }) {
  const { createLogger, format, transports } = require('winston')
  const http = () => {
    const { hostname, port, pathname } = new URL(target)
    return new transports.Http({ host: hostname, port, path: pathname })
  }
  const make = { file: () => new transports.File({ filename: target }), console: () => new transports.Console(), http }
  const log = createLogger({ format: format.json(), transports: [make[destination]()] })
  return (i) => log.info(message(i), fields(i))
}

function log4js(config) {
  fileOnly(config)
  const log4js = require('log4js')
  const json = ({ startTime, level, data: [msg, more] }) =>
    JSON.stringify({ time: startTime, level: level.levelStr, msg, ...more })
  log4js.addLayout('json', () => json)
  const type = config.destination === 'file' ? { type: 'file', filename: config.target } : { type: 'stdout' }
  log4js.configure({
    appenders: { out: { ...type, layout: { type: 'json' } } },
    categories: { default: { appenders: ['out'], level: 'info' } },
  })
  const log = log4js.getLogger('orders')
  return (i) => log.info(message(i), fields(i))
}

function bunyan(config) {
  fileOnly(config)
  const stream = config.destination === 'file' ? { path: config.target } : { stream: process.stdout }
  const log = require('bunyan').createLogger({ name: 'orders', streams: [stream] })
  return (i) => log.info(fields(i), message(i))
}

async function tslog({ destination, target }) {
  const { Logger } = await import('tslog')
  const log = new Logger({ type: destination === 'console' ? 'json' : 'hidden' })
  if (destination === 'file') {
    const { fileTransport } = await import('tslog/transports/file')
    log.attachTransport(fileTransport({ path: target, append: true, format: 'json' }))
  }
  if (destination === 'http') {
    const { httpTransport } = await import('tslog/transports/http')
    log.attachTransport(httpTransport({ url: target, format: 'json' }))
  }
  return (i) => log.info(message(i), fields(i))
}

async function tslogWorker({ destination, target }) {
  if (destination !== 'file') notThere('a worker for that destination')
  const { Logger } = await import('tslog')
  const { workerTransport } = await import('tslog/transports/worker')
  const log = new Logger({ type: 'hidden' })
  log.attachTransport(workerTransport({ destination: 'file', path: target, format: 'json' }))
  return (i) => log.info(message(i), fields(i))
}

function logtape(nonBlocking) {
  return async (config) => {
    fileOnly(config)
    const { configure, getConsoleSink, getLogger, jsonLinesFormatter: formatter } = await import('@logtape/logtape')
    const { getFileSink } = await import('@logtape/file')
    const options = { formatter, ...(nonBlocking && { nonBlocking: true }) }
    await configure({
      sinks: { out: config.destination === 'file' ? getFileSink(config.target, options) : getConsoleSink(options) },
      loggers: [
        { category: 'orders', sinks: ['out'], lowestLevel: 'info' },
        { category: ['logtape', 'meta'], sinks: [] },
      ],
    })
    const log = getLogger('orders')
    return (i) => log.info(message(i), fields(i))
  }
}

const PEERS = {
  pinoSync: { title: `pino ${version('pino')}`, open: pinoOn({ sync: true }) },
  pinoAsync: { title: 'pino, `sync: false`, 4096', open: pinoOn({ sync: false, minLength: 4096 }) },
  pinoTransport: { title: 'pino, transport', open: pinoOn('transport') },
  winston: { title: `winston ${version('winston')}`, open: winston },
  log4js: { title: `log4js ${version('log4js')}`, open: log4js },
  bunyan: { title: `bunyan ${version('bunyan')}`, open: bunyan },
  tslog: { title: `tslog ${version('tslog')}`, open: tslog },
  tslogWorker: { title: 'tslog, worker', open: tslogWorker },
  logtape: { title: `LogTape ${version('@logtape/logtape')}`, open: logtape(false) },
  logtapeNonBlocking: { title: 'LogTape, `nonBlocking`', open: logtape(true) },
}

exports.PEERS = PEERS
exports.open = (config) => PEERS[config.peer].open(config)
