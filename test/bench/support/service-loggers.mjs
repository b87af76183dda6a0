// The loggers of the services in stall.mjs and classic.mjs. Each gives `log(i)` and, if it can, `warn(i)` for `target`, a file.
import { createRequire } from 'node:module'
import { version } from './measure.mjs'

const require = createRequire(import.meta.url)
const MESSAGE = 'order placed'
const USERS = Array.from({ length: 1024 }, (_, i) => `user-${i}`)
const fieldsOf = (i) => ({ userId: USERS[i & 1023], amount: 99.5 + (i & 7), items: i })

export const TITLES = {
  none: 'nothing is logged',
  tracelane: 'tracelane',
  tracelaneWarn: 'tracelane, one line of each request is a warning',
  tracelaneHttp: 'tracelane, `httpSink`',
  tracelaneOtlp: 'tracelane, `otlpSink`',
  tracelaneElasticsearch: 'tracelane, `elasticsearchSink`',
  tracelaneKafka: 'tracelane, `kafkaSink`',
  tracelaneRocketmq: 'tracelane, `rocketmqSink`',
  tracelaneSync: 'tracelane, written in the call',
  plainSync: '`JSON.stringify` and `fs.writeSync`',
  pinoSync: `pino ${version('pino')}`,
  pinoTransport: 'pino, worker transport',
  winston: `winston ${version('winston')}, file`,
  log4js: `log4js ${version('log4js')}, file`,
}

function tracelane(sink, options = {}) {
  const { configure, getLogger } = require('tracelane')
  void configure({ sinks: [sink], ...options })
  const log = getLogger('orders.checkout')
  return { log: (i) => log.info(MESSAGE, fieldsOf(i)), warn: (i) => log.warn(MESSAGE, fieldsOf(i)) }
}

const toFile = (target, options) => tracelane(require('tracelane').fileSink({ path: target }), options)

/* `sync` is for overload only. What waits for each line is its durability. */
function tracelaneSync(target) {
  return toFile(target, { durability: 'os', thread: false })
}

function plainSync(target) {
  const { openSync, writeSync } = require('node:fs')
  const fd = openSync(target, 'a')
  return { log: (i) => writeSync(fd, `${JSON.stringify({ time: Date.now(), level: 'info', msg: MESSAGE, ...fieldsOf(i) })}\n`) }
}

function pinoOn(makeStream) {
  return (target) => {
    const pino = require('pino')
    const log = pino(makeStream(pino, target))
    return { log: (i) => log.info(fieldsOf(i), MESSAGE) }
  }
}

function winston(target) {
  const { createLogger, format, transports } = require('winston')
  const log = createLogger({ format: format.json(), transports: [new transports.File({ filename: target })] })
  return { log: (i) => log.info(MESSAGE, fieldsOf(i)) }
}

function log4js(target) {
  const log4js = require('log4js')
  const json = ({ startTime, level, data: [msg, more] }) =>
    JSON.stringify({ time: startTime, level: level.levelStr, msg, ...more })
  log4js.addLayout('json', () => json)
  log4js.configure({
    appenders: { out: { type: 'file', filename: target, layout: { type: 'json' } } },
    categories: { default: { appenders: ['out'], level: 'info' } },
  })
  const log = log4js.getLogger('orders')
  return { log: (i) => log.info(MESSAGE, fieldsOf(i)) }
}

export const OPEN = {
  none: () => ({ log() {} }),
  tracelane: (target) => toFile(target),
  tracelaneWarn: (target) => toFile(target),
  tracelaneHttp: (url) => tracelane(require('tracelane').httpSink({ url })),
  tracelaneOtlp: (url) => tracelane(require('tracelane').otlpSink({ url })),
  tracelaneElasticsearch: (url) => tracelane(require('tracelane').elasticsearchSink({ url })),
  tracelaneKafka: (broker) => tracelane(require('tracelane').kafkaSink({ brokers: [broker], topic: 'logs' })),
  tracelaneRocketmq: (proxy) => tracelane(require('tracelane').rocketmqSink({ endpoints: [proxy], topic: 'logs' })),
  tracelaneSync,
  plainSync,
  pinoSync: pinoOn((pino, dest) => pino.destination({ dest, sync: true })),
  pinoTransport: pinoOn((pino, destination) => pino.transport({ target: 'pino/file', options: { destination } })),
  winston,
  log4js,
}
