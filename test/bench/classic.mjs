// The classic experiment: 100 users at a time, each request logs, synchronously or asynchronously. The Java article from which the idea comes
// went from 44.2 to 497.5 requests a second, 11.3 times.
//
// A plain node:http server, so that the log is most of the work; 1, 5 and 50 lines a request; three disks: the one that is there, the same with
// O_DSYNC, and one whose writes take a millisecond (support/slow-file.cjs). Closed loop: 100 connections ask as fast as they are answered. Open loop:
// requests come at a quarter of the rate that the best row managed, answered or not, so that waiting shows.
//
//   npm run bench:classic                   3 rounds of 3 s for each cell: about half an hour
//   npm run bench:classic -- --write        puts the tables into docs/reference/benchmarks.md
//   ROUNDS=1 SECONDS=1 DISKS=plain LINES=50 ONLY=tracelane,plainSync   a shorter run
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'
import { start } from './support/runs.mjs'
import { TITLES } from './support/service-loggers.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 3)
const SECONDS = Number(process.env.SECONDS ?? 3)
const WARM_UP_SECONDS = 1
const CONNECTIONS = 100
const ARTICLE = 11.3
const SYNC = 'plainSync'
const SYNCHRONOUS = new Set([SYNC, 'tracelaneSync', 'pinoSync'])
const DISK_TITLES = { plain: 'the disk as it is', dsync: 'O_DSYNC', slow: '1 ms a write' }
const DISKS = process.env.DISKS?.split(',') ?? Object.keys(DISK_TITLES)
const LINES = (process.env.LINES ?? '1,5,50').split(',').map(Number)
const ROWS = ['none', SYNC, 'tracelaneSync', 'pinoSync', 'pinoTransport', 'tracelane']
const names = process.env.ONLY?.split(',') ?? ROWS
const HAS_WRK = spawnSync('wrk', ['-v']).error === undefined
const SLOW_FILE = fileURLToPath(new URL('support/slow-file.cjs', import.meta.url))

const node = benchNode()
const folder = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'tracelane-bench-'))
const missing = new Map()
const parts = []
const reached = []
for (const disk of DISKS) parts.push(`**${DISK_TITLES[disk]}**`, await diskTable(disk))
rmSync(folder, { recursive: true })

const how = [
  `${ROUNDS} rounds of ${SECONDS} s for each cell, ${CONNECTIONS} connections. Requests a second, the median; × is beside \`fs.writeSync\` in the same round, with the interval`,
  'where there are rounds enough. Open loop: the time within which 99 % of the requests are answered that come at a quarter of the best rate of the asynchronous rows, 2,000 a second at most.',
  `The load of the closed loop is made by ${HAS_WRK ? 'wrk' : 'autocannon'}, that of the open loop by autocannon.`,
  'Lost: lines that were logged and are not in the file when the load has ended and a second has passed.',
  `${reached.join(' ')} ${machine(node.version)}`,
]
if (missing.size > 0) how.push(`Not there: ${[...missing].map(([name, why]) => `${TITLES[name]} (${why})`).join('; ')}.`)
publish('bench:classic', [...parts, how.join(' ')].join('\n\n'))

async function diskTable(disk) {
  const cells = {}
  for (const lines of LINES) cells[lines] = await roundsOf(disk, lines)
  const rows = names
    .filter((name) => !missing.has(name))
    .map((name) => [TITLES[name], ...LINES.flatMap((lines) => cellsOf(cells[lines], name))])
  for (const lines of LINES) tellWhetherReached(disk, lines, cells[lines])
  const header = LINES.flatMap((lines) => [`${lines} a request: req/s`, '×', 'open, ms', 'lost'])
  return table(['', ...header], rows)
}

async function roundsOf(disk, lines) {
  const results = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of shuffled(names)) {
      if (!missing.has(name)) results[name].push(await closedLoop(disk, lines, name))
      process.stderr.write(
        `${disk}, ${lines} lines, round ${round + 1}: ${name} ${Math.round(results[name].at(-1)?.perSecond)} req/s\n`,
      )
    }
  }
  const async = ['tracelane', 'pinoTransport'].flatMap((name) => results[name] ?? []).filter((result) => result !== undefined)
  const best = Math.max(0, ...async.map(({ perSecond }) => perSecond))
  const rate = Math.min(2_000, Math.round(best / 4))
  for (const name of names) {
    if (!missing.has(name) && rate > 0) results[name].open = await openLoop(disk, lines, name, rate)
  }
  return results
}

async function withService(disk, lines, name, work) {
  const target = join(folder, `${name}.log`)
  const env =
    disk === 'plain' ? {} : { BENCH_SLOW: JSON.stringify({ path: target, mode: disk }), NODE_OPTIONS: `--require ${SLOW_FILE}` }
  const service = await start(node, 'service.mjs', [name, target, String(lines), 'http'], env)
  if (service.ready.missing !== undefined) {
    missing.set(name, service.ready.missing)
    await service.kill()
    return undefined
  }
  const load = await start({ path: process.execPath }, 'load.mjs', [])
  const ask = (seconds, rate) => load.ask({ port: service.ready.port, seconds, connections: CONNECTIONS, rate })
  try {
    return await work(ask, service, target)
  } finally {
    await Promise.all([service.kill(), load.stop()])
    rmSync(target, { force: true })
  }
}

/*
 * Counted by the service, between two moments of its own clock: a service that takes seconds for one round of its event loop answers neither its
 * users nor us before that is over. So the load goes on for that much longer.
 */
function closedLoop(disk, lines, name) {
  const patienceMs = SYNCHRONOUS.has(name) && disk !== 'plain' ? 2.5 * CONNECTIONS * lines : 500
  return withService(disk, lines, name, async (ask, service, target) => {
    const loadSeconds = WARM_UP_SECONDS + SECONDS + patienceMs / 1000
    const load = HAS_WRK ? wrk(service.ready.port, loadSeconds) : ask(loadSeconds)
    await delay(WARM_UP_SECONDS * 1000)
    const begin = await service.ask('state')
    await delay(SECONDS * 1000)
    const end = await service.ask('state')
    await load
    await service.ask('state')
    await delay(1_000)
    const { logged } = await service.ask('state')
    const perSecond = ((end.handled - begin.handled) * 1000) / (end.at - begin.at)
    return { perSecond, lost: name === 'none' ? 0 : Math.max(0, logged - linesIn(target)) }
  })
}

/* Takes a tenth of the CPU that autocannon does, which on two cores would be taken from the service and its flush thread. */
async function wrk(port, seconds) {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${Math.ceil(seconds)}s`, '--timeout', '60s', `http://127.0.0.1:${port}/`]
  const { stdout } = await promisify(execFile)('wrk', args)
  if (/Non-2xx|Socket errors: connect [1-9]/.test(stdout)) throw new Error(stdout)
}

function openLoop(disk, lines, name, rate) {
  return withService(disk, lines, name, async (ask) => {
    const { count, p99 } = await ask(WARM_UP_SECONDS + SECONDS, rate)
    return count === 0 ? 'none answered' : p99
  })
}

function linesIn(path) {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 0
  const bytes = readFileSync(path)
  let count = 0
  for (let at = bytes.indexOf('"order placed"'); at !== -1; at = bytes.indexOf('"order placed"', at + 1)) count++
  return count
}

function ratios(results, name, beside) {
  return results[name].map(({ perSecond }, round) => perSecond / results[beside][round].perSecond)
}

function cellsOf(results, name) {
  const perSecond = median(results[name].map((result) => result.perSecond))
  const times = name === SYNC || results[SYNC] === undefined ? '' : withInterval(ratios(results, name, SYNC), 1)
  const lost = median(results[name].map((result) => result.lost))
  return [Math.round(perSecond).toLocaleString('en'), times, results[name].open ?? '', Math.round(lost).toLocaleString('en')]
}

function tellWhetherReached(disk, lines, results) {
  if (results.tracelane === undefined || results[SYNC] === undefined) return
  const times = median(ratios(results, 'tracelane', SYNC))
  const verdict = times >= ARTICLE ? 'is reached' : 'is not reached'
  reached.push(
    `The article's ${ARTICLE} times ${verdict} on ${DISK_TITLES[disk]} with ${lines} lines a request (${times.toFixed(1)}).`,
  )
}
