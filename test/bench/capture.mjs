// How many lines carry the id of the request that logged them?
//
// 100 concurrent requests log 200 lines each to a file through each logger, reading the trace id in the way that its users are
// told to. Then every line is read back. `--write` puts the table into README.md.
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import log4js from 'log4js'
import pino from 'pino'
import { close, configure, currentTraceId, fileSink, getLogger, runWithTrace } from 'tracelane'
import { traceMixin } from 'tracelane/adapters/pino'
import { attachTrace, traceMeta } from 'tracelane/adapters/winston'
import winston from 'winston'

const USERS = 100
const LINES = 200
const ROUNDS = 3

const require = createRequire(import.meta.url)
const version = (name) => require(`${name}/package.json`).version
const folder = mkdtempSync(join(tmpdir(), 'tracelane-bench-'))
const als = new AsyncLocalStorage()
const ownId = winston.format((info) => Object.assign(info, { traceId: als.getStore() }))

function winstonWith(options, file) {
  const logger = winston.createLogger({ ...options, transports: [new winston.transports.File({ filename: file })] })
  return { log: (user, line) => logger.info('step', { user, line }), end: () => ended(file).then(() => logger.close()) }
}

async function ended(file) {
  const deadline = Date.now() + 30_000
  while (readLines(file).length < USERS * LINES && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
}

const rows = {
  [`winston ${version('winston')}, a format that reads AsyncLocalStorage`]: (file) =>
    winstonWith({ format: winston.format.combine(ownId(), winston.format.json()) }, file),
  'winston, traceMeta()': (file) => winstonWith({ defaultMeta: traceMeta() }, file),
  'winston, attachTrace()': (file) => {
    const logger = attachTrace(winston.createLogger({ transports: [new winston.transports.File({ filename: file })] }))
    return { log: (user, line) => logger.info('step', { user, line }), end: () => ended(file).then(() => logger.close()) }
  },
  [`log4js ${version('log4js')}, logger.addContext`]: (file) => {
    const layout = { type: 'pattern', pattern: '{"user":%X{user},"traceId":"%X{traceId}"}' }
    log4js.configure({
      appenders: { out: { type: 'file', filename: file, layout } },
      categories: { default: { appenders: ['out'], level: 'info' } },
    })
    const logger = log4js.getLogger()
    return {
      enter: (id) => logger.addContext('traceId', id),
      log(user) {
        logger.addContext('user', user)
        logger.info('step')
      },
      end: () => new Promise((resolve) => log4js.shutdown(resolve)),
    }
  },
  [`pino ${version('pino')}, traceMixin, worker transport`]: (file) => {
    const transport = pino.transport({ target: 'pino/file', options: { destination: file } })
    const logger = pino({ mixin: traceMixin }, transport)
    return { log: (user, line) => logger.info({ user, line }, 'step'), end: () => ended(file).then(() => transport.end()) }
  },
  'tracelane, fileSink': (file) => {
    void configure({ sinks: [fileSink({ path: file })], queueBytes: 64 * 2 ** 20 })
    const logger = getLogger('bench')
    return { log: (user, line) => logger.info('step', { user, line }), end: () => close() }
  },
}
function readLines(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1)
  } catch {
    return []
  }
}

async function request(user, { enter, log }, ids) {
  ids[user] = currentTraceId()
  enter?.(ids[user])
  await als.run(ids[user], async () => {
    for (let line = 0; line < LINES; line++) {
      log(user, line)
      if (line % 50 === user % 50) await new Promise((resolve) => setImmediate(resolve))
    }
  })
}

async function measure(name, file) {
  const ids = []
  const logger = rows[name](file)
  await Promise.all(Array.from({ length: USERS }, (_, user) => runWithTrace(() => request(user, logger, ids))))
  await logger.end()
  const lines = readLines(file).map((line) => JSON.parse(line))
  const missing = lines.filter(({ traceId }) => !traceId).length
  const wrong = lines.filter(({ user, traceId }) => traceId && traceId !== ids[user]).length
  return { lines: lines.length, missing, wrong }
}

const results = Object.fromEntries(Object.keys(rows).map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const name of Object.keys(rows))
    results[name].push(await measure(name, join(folder, `${Object.keys(rows).indexOf(name)}-${round}.log`)))
}
rmSync(folder, { recursive: true })

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
const table = ['| logger | lines | without an id | with a wrong id |', '|---|--:|--:|--:|']
for (const [name, rounds] of Object.entries(results)) {
  const cells = ['lines', 'missing', 'wrong'].map((key) => median(rounds.map((round) => round[key])).toLocaleString('en'))
  table.push(`| ${name} | ${cells.join(' | ')} |`)
}
const text = [...table, '', `Median of ${ROUNDS} rounds, Node ${process.versions.node}.`].join('\n')
process.stdout.write(`${text}\n`)

if (process.argv.includes('--write')) {
  const readme = fileURLToPath(new URL('../../README.md', import.meta.url))
  const old = readFileSync(readme, 'utf8')
  const mark = 'bench:capture'
  writeFileSync(readme, old.replace(new RegExp(`(<!-- ${mark} -->)[^]*(<!-- /${mark} -->)`), `$1\n${text}\n$2`))
}
