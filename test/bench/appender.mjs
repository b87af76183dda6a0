// What does it cost to give a line to the appender, how fast do lines reach a file, and what happens to the event loop and the memory
// when more lines come than the destination takes?
//
// Each sample is a process of its own; in each round every row is measured once, in random order. Overload: the destination is a FIFO from
// which 2 MB/s are read.
//
//   npm run bench:appender                 a million lines a sample; 200,000 under overload
//   npm run bench:appender -- --write      puts the tables into docs/reference/benchmarks.md
//   ROUNDS=3 LINES=200000 ONLY=line,pinoLine   a shorter run
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { POLICIES, spoolOf, TITLES } from './support/appender-rows.mjs'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const LINES = Number(process.env.LINES ?? 1_000_000)
const OVERLOAD_LINES = Math.min(LINES, 200_000)
const WARM_UP = 20_000
const SLOW = { bytes: 64 * 1024, everyMs: 32 }
const RUN = fileURLToPath(new URL('support/appender-run.mjs', import.meta.url))
const PEER = { logger: 'pino', line: 'pinoLine' }

const node = benchNode()
const folder = mkdtempSync(join(tmpdir(), 'tracelane-bench-'))
const only = process.env.ONLY?.split(',')
const wanted = (names) => names.filter((name) => only === undefined || only.includes(name))
const speed = await rounds(wanted(['logger', 'line', 'unthreaded', 'pino', 'pinoLine']), 'speed', LINES)
const overload = await rounds(wanted([...POLICIES, 'pino', 'winston']), 'overload', OVERLOAD_LINES)
rmSync(folder, { recursive: true })

const missing = Object.entries({ ...speed, ...overload }).flatMap(([name, all]) =>
  all[0]?.missing === undefined ? [] : [`${TITLES[name]}: ${all[0].code ?? all[0].missing}`],
)
const how = [
  `${ROUNDS} rounds of ${LINES.toLocaleString('en')} lines, 100 in each turn of the event loop. Call: the median turn, a line. Lines a second: from the first call until`,
  `the last line is in the file. Drain: from the last call until then. Overload: ${OVERLOAD_LINES.toLocaleString('en')} lines into a FIFO from which 2 MB/s are read; memory: what the process`,
  `grew by at most. ${machine(node.version)}`,
]
if (missing.length > 0) how.push(`Not there: ${missing.join('; ')}.`)
publish('bench:appender', [speedTable(), overloadTable(), how.join(' ')].join('\n\n'))

async function rounds(names, mode, lines) {
  const results = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of shuffled(names)) {
      if (results[name][0]?.missing === undefined) results[name].push(await measure(name, mode, lines))
    }
  }
  return results
}

async function measure(name, mode, lines) {
  const file = join(folder, `${name}.${mode}`)
  const stopReading = mode === 'overload' ? readSlowly(file) : () => {}
  const child = fork(RUN, [name, file, String(lines), mode], { execPath: node.path, execArgv: ['--preserve-symlinks'] })
  const ended = once(child, 'exit')
  const fault = ended.then(([code, signal]) => {
    throw new Error(`${name} ended by itself: ${signal ?? code}`)
  })
  fault.catch(() => undefined)
  const [result] = await Promise.race([once(child, 'message'), fault])
  await ended
  stopReading()
  const lost = mode === 'speed' && result.missing === undefined ? WARM_UP + lines - linesIn(file) : 0
  rmSync(file, { force: true })
  rmSync(spoolOf(file), { recursive: true, force: true })
  return { ...result, lost }
}

function linesIn(file) {
  const bytes = readFileSync(file)
  let count = 0
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}

function readSlowly(fifo) {
  execFileSync('mkfifo', [fifo])
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  const buffer = Buffer.alloc(SLOW.bytes)
  const timer = setInterval(() => {
    try {
      readSync(fd, buffer)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }, SLOW.everyMs)
  return () => {
    clearInterval(timer)
    closeSync(fd)
  }
}

function present(results) {
  return Object.entries(results).filter(([, all]) => all[0]?.missing === undefined)
}

function speedTable() {
  const rows = present(speed).map(([name, all]) => {
    const peer = speed[PEER[name]]
    const beside = (key, digits) =>
      peer === undefined
        ? ''
        : withInterval(
            all.map((result, round) => result[key] / peer[round][key]),
            digits,
          )
    const of = (key) => all.map((result) => result[key])
    return [
      TITLES[name],
      withInterval(of('call'), 0),
      beside('call', 2),
      Math.round(median(of('perSecond'))).toLocaleString('en'),
      beside('perSecond', 1),
      median(of('drain')).toFixed(1),
      median(of('delay')).toFixed(1),
      median(of('lost')).toLocaleString('en'),
    ]
  })
  return table(['', 'call, ns', 'of peer', 'lines a second', 'of peer', 'drain, ms', 'delay p99, ms', 'lost'], rows)
}

function overloadTable() {
  const rows = present(overload).map(([name, all]) => {
    const of = (key) => median(all.map((result) => result[key] ?? Number.NaN))
    const count = (key) => (Number.isNaN(of(key)) ? 'not counted' : Math.round(of(key)).toLocaleString('en'))
    return [
      TITLES[name],
      of('produced').toFixed(0),
      of('delay').toFixed(1),
      of('longest').toFixed(1),
      of('memory').toFixed(0),
      count('discarded'),
    ]
  })
  return table(['overload', 'all calls, ms', 'delay p99, ms', 'longest, ms', 'memory, MB', 'discarded'], rows)
}
