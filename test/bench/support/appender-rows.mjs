// The rows of appender.mjs. Each sets one way of writing lines up for a file: `write(i)` gives line i away, `drained()` resolves when all
// lines are where they belong, `counts()` says what became of them, where anybody counts. `needs` is what a row needs to exist.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { version } from './measure.mjs'

const require = createRequire(import.meta.url)

/** A finished line of 170 bytes. */
export const LINE = `${JSON.stringify({ time: 1795838177184, level: 'info', msg: 'order placed', pad: 'x'.repeat(99) })}\n`
const MESSAGE = 'order placed'
const USERS = Array.from({ length: 1024 }, (_, i) => `user-${i}`)
const fieldsOf = (i) => ({ userId: USERS[i & 1023], amount: 99.5 + (i & 7), items: i })

export const POLICIES = ['discard', 'drop-newest', 'block', 'spill', 'sync']

export const TITLES = {
  logger: 'tracelane, `log.info(message, fields)`',
  line: 'tracelane, appender alone, a finished line',
  unthreaded: 'tracelane, appender alone, `thread: false`',
  ...Object.fromEntries(POLICIES.map((overflow) => [overflow, `tracelane, \`overflow: '${overflow}'\``])),
  pino: `pino ${version('pino')}, worker transport, \`log.info(fields, message)\``,
  pinoLine: 'pino, worker transport alone, a finished line',
  winston: `winston ${version('winston')}, file`,
}

async function tracelane(file, options) {
  const { configure, fileSink, flush, getLogger } = await import('tracelane')
  void configure({ sinks: [fileSink({ path: file })], ...options })
  const log = getLogger('orders.checkout')
  const counts = async () => summed(await flush({ deadlineMs: 1 }))
  return { write: (i) => log.info(MESSAGE, fieldsOf(i)), drained: () => flush({ deadlineMs: 60_000 }), counts }
}

function summed(results) {
  const all = Array.isArray(results) ? results : [results]
  const sum = (key) => all.reduce((total, result) => total + (result[key] ?? 0), 0)
  return { delivered: sum('delivered'), discarded: sum('discarded'), spooled: sum('spooled') }
}

/*
 * The appender has no door of its own, but is in the file that users load. The line is finished: its layout makes nothing, and looks for no
 * secrets.
 */
async function appenderAlone(file, options) {
  const { AsyncAppender, fileSink } = require('../../../dist/logging.js')
  const { captureEvent } = require('../../../dist/core.js')
  const finished = JSON.stringify(JSON.parse(LINE))
  const sink = fileSink({ path: file, layout: () => finished })
  const appender = new AsyncAppender([sink], { service: undefined, redaction: false }, options)
  const event = captureEvent(undefined, { level: 'info', logger: 'orders', msg: MESSAGE })
  return {
    write: (i) => appender.append(event, i),
    drained: () => appender.flush(60_000),
    counts: async () => summed(await appender.flush(1)),
  }
}

async function pinoTransport(file) {
  const { pino } = await import('pino')
  const stream = pino.transport({ target: 'pino/file', options: { destination: file } })
  const drained = async () => {
    const closed = once(stream, 'close')
    stream.end()
    await closed
  }
  return { stream, log: pino({ base: null }, stream), drained, counts: async () => ({}) }
}

async function winston(file) {
  const { default: winston } = await import('winston')
  const transport = new winston.transports.File({ filename: file })
  const log = winston.createLogger({ format: winston.format.json(), transports: [transport] })
  const drained = async () => {
    const finished = once(transport, 'finish')
    log.end()
    await finished
  }
  return { write: (i) => log.info(MESSAGE, fieldsOf(i)), drained, counts: async () => ({}) }
}

/* As shipped, but that nothing is given up. */
const LOSSLESS = { overflow: 'block' }

const policy = (overflow, file) => ({ overflow, ...(overflow === 'spill' && { spool: { directory: spoolOf(file) } }) })

/** Where a row keeps what its destination does not take. */
export const spoolOf = (file) => `${file}.spool`

export const OPEN = {
  logger: (file) => tracelane(file, LOSSLESS),
  line: (file) => appenderAlone(file, LOSSLESS),
  unthreaded: (file) => appenderAlone(file, { ...LOSSLESS, thread: false }),
  ...Object.fromEntries(POLICIES.map((overflow) => [overflow, (file) => tracelane(file, policy(overflow, file))])),
  pino: async (file) => {
    const { log, ...rest } = await pinoTransport(file)
    return { ...rest, write: (i) => log.info(fieldsOf(i), MESSAGE) }
  },
  pinoLine: async (file) => {
    const { stream, ...rest } = await pinoTransport(file)
    return { ...rest, write: () => stream.write(LINE) }
  },
  winston,
}
