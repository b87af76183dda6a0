// What does it cost to roll a file, or to put lines into a spool, beside a file that only grows? Two tables:
//
//   the parts alone    batches of whole lines, a little less than 64 KiB, in this process; CPU of the thread that writes
//   whole loggers      each in a process of its own, with rolling and without; and what is in the files afterwards
//
// In each round every row once, in random order; the ratios are those of one round. `--write` puts the tables into docs/reference/benchmarks.md.
// ROUNDS, LOGGER_ROUNDS, BATCHES, LINES and FOLDER change what is run.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LOGGERS } from './support/files-rows.mjs'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'

const require = createRequire(import.meta.url)
const { openSink } = require('../../dist/lib/sinks')
const { openSpoolReader, openSpoolWriter, SpoolLedger } = require('../../dist/lib/spool')
const { fileSink, rollingFileSink } = require('tracelane')

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const LOGGER_ROUNDS = Number(process.env.LOGGER_ROUNDS ?? ROUNDS)
const BATCHES = Number(process.env.BATCHES ?? 512)
const LINES = Number(process.env.LINES ?? 100_000)
const MIB = 2 ** 20
const FILE_BYTES = 2 * MIB
const folder = mkdtempSync(join(process.env.FOLDER ?? tmpdir(), 'tracelane-bench-files-'))

const line = `${JSON.stringify({ time: '2026-03-01T10:00:00.000Z', level: 'info', logger: 'orders', msg: 'order placed', pad: 'x'.repeat(90) })}\n`
const batch = Buffer.from(line.repeat(Math.floor((64 * 1024) / line.length)))
const never = () => false

/* A part: opened in a folder, it gives `write` and `close`. */
function plain(place) {
  const file = openSync(join(place, 'app.log'), 'a')
  return { write: () => writeSync(file, batch), close: () => closeSync(file) }
}

const sinkPart = (specOf) => (place) => {
  const sink = openSink(specOf(place))
  return { write: () => sink.write(batch, never), close: () => sink.close() }
}

const rolling = (maxFileBytes, ending = '') =>
  sinkPart((place) =>
    rollingFileSink({
      ...{ path: join(place, 'app.log'), filePattern: join(place, `app-%d.%i.log${ending}`), maxFileBytes },
      totalSizeCapBytes: 64 * MIB,
    }),
  )

const spool = (isRead) => (place) => {
  const { buffer: ledger } = new SpoolLedger()
  const writer = openSpoolWriter({ directory: place, ledger, maxBytes: 2 ** 32 })
  const reader = isRead ? openSpoolReader({ directory: place, ledger }) : undefined
  let seq = 0
  return {
    write() {
      const { outcome } = writer.append(batch, { events: 400, firstSeq: ++seq, lastSeq: seq })
      if (outcome !== 'spooled') throw new Error(outcome)
      if (reader !== undefined) reader.commit(reader.next().next)
    },
    close() {
      writer.close()
      reader?.close()
    },
  }
}

const PARTS = {
  plain: ['`fs.writeSync`, one file', plain],
  file: ['`fileSink`', sinkPart((place) => fileSink({ path: join(place, 'app.log') }))],
  never: ['`rollingFileSink`, never full', rolling(undefined)],
  ten: ['`rollingFileSink`, a file each 10 MiB', rolling(10 * MIB)],
  one: ['`rollingFileSink`, a file each 1 MiB', rolling(MIB)],
  gzip: ['`rollingFileSink`, a file each 10 MiB, compressed by another thread', rolling(10 * MIB, '.gz')],
  spool: ['spool', spool(false)],
  read: ['spool, and each record read and committed', spool(true)],
}

/* Of this thread where Node can tell (23.9), else of the process: then what compresses counts too. */
const usage = (process.threadCpuUsage ?? process.cpuUsage).bind(process)

function measurePart(name, round) {
  const place = mkdtempSync(join(folder, `${name}-${round}-`))
  const part = PARTS[name][1](place)
  part.write()
  const [begin, before] = [performance.now(), usage()]
  for (let i = 0; i < BATCHES; i++) part.write()
  const { user, system } = usage(before)
  const wall = performance.now() - begin
  part.close()
  rmSync(place, { recursive: true, force: true })
  return { wall: (wall * 1000) / BATCHES, cpu: (user + system) / BATCHES }
}

/* How often a logger ended by itself in the middle of it, as winston does with 'write after end'; it is measured again. */
const crashes = {}
const MOST_CRASHES = 20

async function measureLogger(name, bytes, round) {
  const place = mkdtempSync(join(folder, `${name}-${bytes}-${round}-`))
  const program = fileURLToPath(new URL('./support/files-run.mjs', import.meta.url))
  const args = ['--preserve-symlinks', program, name, place, String(LINES), String(bytes)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const [result] = await Promise.race([once(child, 'message'), ended])
  await ended
  if (typeof result !== 'object' || result === null) {
    rmSync(place, { recursive: true, force: true })
    crashes[name] = (crashes[name] ?? 0) + 1
    if (crashes[name] > MOST_CRASHES) throw new Error(`${name} ended by itself ${crashes[name]} times`)
    return measureLogger(name, bytes, round)
  }
  if (result.missing !== undefined) throw new Error(`${name}: ${result.missing}`)
  const found = readBack(place)
  rmSync(place, { recursive: true, force: true })
  return { ...result, ...found }
}

/* What is in the files: each line has its number. */
function readBack(place) {
  const seen = new Uint8Array(LINES)
  let largest = 0
  for (const name of readdirSync(place).filter((file) => /\.log(\.\d+)?$|^app\.|^\d/.test(file))) {
    const bytes = readFileSync(join(place, name))
    largest = Math.max(largest, bytes.length)
    for (const [, i] of bytes.toString('latin1').matchAll(/"i":(\d+)/g)) seen[Number(i)]++
  }
  return { largest, lost: seen.filter((times) => times === 0).length, doubled: seen.filter((times) => times > 1).length }
}

const parts = Object.fromEntries(Object.keys(PARTS).map((name) => [name, []]))
const loggers = Object.fromEntries(Object.keys(LOGGERS).map((name) => [name, { one: [], rolled: [] }]))
try {
  for (const name of Object.keys(PARTS)) measurePart(name, 'warm-up')
  for (let round = 0; round < ROUNDS; round++)
    for (const name of shuffled(Object.keys(PARTS))) parts[name].push(measurePart(name, round))
  for (let round = 0; round < LOGGER_ROUNDS; round++) {
    for (const name of shuffled(Object.keys(LOGGERS))) {
      loggers[name].one.push(await measureLogger(name, 0, round))
      loggers[name].rolled.push(await measureLogger(name, FILE_BYTES, round))
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const values = (rows, key) => rows.map((row) => row[key])
const ratios = (rows, peers, key) => rows.map((row, round) => row[key] / peers[round][key])
const most = (rows, key) => Math.max(...values(rows, key))
const partRows = Object.entries(PARTS).map(([name, [title]]) => [
  title,
  median(values(parts[name], 'wall')).toFixed(1),
  median(values(parts[name], 'cpu')).toFixed(1),
  name === 'file' ? '' : withInterval(ratios(parts[name], parts.file, 'cpu'), 2),
])
const loggerRows = Object.entries(LOGGERS).map(([name, [title]]) => {
  const { one, rolled } = loggers[name]
  return [
    title,
    median(values(one, 'wall')).toFixed(2),
    median(values(rolled, 'wall')).toFixed(2),
    withInterval(ratios(rolled, one, 'wall'), 2),
    withInterval(ratios(rolled, one, 'cpu'), 2),
    `${most(rolled, 'lost')}, ${most(rolled, 'doubled')}`,
    (most(rolled, 'largest') / MIB).toFixed(2),
  ]
})
function crashText() {
  const all = Object.entries(crashes).map(
    ([name, times]) => ` ${LOGGERS[name][0]} ended by itself ${times} times, and was measured again.`,
  )
  return all.join('')
}

const text = [
  table([`${Math.round(batch.length / 1024)} KiB of lines to`, 'µs', 'CPU, µs', 'CPU beside `fileSink`'], partRows),
  '',
  `${ROUNDS} rounds of ${BATCHES} batches.`,
  '',
  table(
    [
      `${LINES.toLocaleString('en')} lines, a file each ${FILE_BYTES / MIB} MiB`,
      'µs a line, one file',
      'rolled',
      'time beside one file',
      'CPU beside it',
      'lines lost, doubled',
      'largest file, MiB',
    ],
    loggerRows,
  ),
  '',
  `${LOGGER_ROUNDS} rounds; medians, with the interval that holds them at 95 % confidence; lost, doubled and largest are the worst of all rounds.${crashText()} ${machine()}`,
].join('\n')
publish('bench:files', text)
