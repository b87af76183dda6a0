// What is kept of a burst of lines when the program ends, is killed, loses its worker, or its disk? tracelane beside its peers, by the same
// program (test/fixtures/loss), ended and read back by the same runner (test/support/loss-run.ts) that `npm test` uses.
//
//   npm run bench:loss                    3 rounds of 20,000 lines, and 20 kills; --heavy: 200 kills of ours
//   npm run bench:loss -- --write         puts the tables into docs/reference/what-can-be-lost.md
//   RESULTS=results.jsonl                 keeps each result there, and measures nothing again that it finds there: a run may be interrupted
//   ROUNDS=1 ONLY=tracelane,pinoSync COUNT=2000 KILLS=10   a shorter run
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { machine, median, publish, shuffled, table } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'

const require = createRequire(import.meta.url)
const { ENDINGS, lossRun } = require('../../dist/test/support/loss-run.js')
const { PEERS } = require('./support/loss-peers.cjs')

const PAGE = 'what-can-be-lost.md'
const ROUNDS = Number(process.env.ROUNDS ?? 3)
const COUNT = Number(process.env.COUNT ?? 20_000)
const KILLS = Number(process.env.KILLS ?? 20)
/* Peers are killed less often: some of them need seconds for the lines. */
const OUR_KILLS = process.argv.includes('--heavy') ? 200 : KILLS
const PATIENT = new Set(['disk full, then freed', 'directory read-only, then writable'])
/* Endings of which a program dies as it should. */
const DEADLY = /^(SIG|throw|unhandled)/
const WAITED_FOR = new Set([...PATIENT, 'worker terminated', 'worker out of memory'])
const OF_FILES = new Set([...PATIENT, 'file removed'])

const OURS = fileURLToPath(new URL('../fixtures/loss/ours.cjs', import.meta.url))
const THEIRS = fileURLToPath(new URL('support/loss-peers.cjs', import.meta.url))

const LOGGERS = {
  tracelane: { title: 'tracelane', run: { logger: OURS } },
  tracelaneOs: { title: 'tracelane, `os`', run: { logger: OURS, durability: 'os' } },
  ...Object.fromEntries(Object.entries(PEERS).map(([peer, { title }]) => [peer, { title, run: { logger: THEIRS, peer } }])),
}

const known = readResults(process.env.RESULTS)
const node = benchNode()
const folder = mkdtempSync(join(tmpdir(), 'tracelane-loss-'))
const names = process.env.ONLY?.split(',') ?? Object.keys(LOGGERS)

const matrices = []
for (const destination of ['file', 'console', 'http']) {
  const endings = ENDINGS.filter((ending) => destination === 'file' || !OF_FILES.has(ending))
  matrices.push(`**${titleOf(destination)}**`, await matrix(destination, endings))
}
const kills = await killTable()
rmSync(folder, { recursive: true })

const how = [
  `${COUNT.toLocaleString('en')} lines in one loop, ${ROUNDS} rounds, in each every logger once, in random order. A cell says how many lines were kept, the median if they`,
  'differ, with the lowest and the highest. **all**: every line, in every round. † the program died of it. ∞ it was not over after 20 s or more, and was killed. *t* lines are torn, *d* come twice. –: it has no',
  'such destination, no worker that could die, or (durability `os`) waits for a file only.',
  machine(node.version),
].join(' ')
publish('bench:loss', [...matrices, how].join('\n\n'), PAGE)
publish('bench:kill', kills, PAGE)

function titleOf(destination) {
  return { file: 'To a file', console: 'To stdout, a pipe', http: 'By HTTP' }[destination]
}

async function one(name, destination, ending) {
  const { run } = LOGGERS[name]
  // A call that waits for a dead disk or thread waits 50 ms: a few of them say as much as 20,000.
  const fewer = run.durability === 'os' && WAITED_FOR.has(ending) ? { count: COUNT / 40, options: { appendTimeoutMs: 1 } } : {}
  const deadlineMs = destination === 'http' ? 120_000 : 60_000
  const whole = { count: COUNT, node: [node.path], deadlineMs, ...run, destination, ending, ...fewer }
  const result = await lossRun(whole, folder)
  const { code, signal, endless } = result
  const died = !endless && !DEADLY.test(ending) && (code > 0 || signal != null)
  return { ...result, died, all: result.kept === whole.count }
}

/* A result that is kept from before, or a new one. */
async function once(name, destination, ending) {
  const before = known.get([name, destination, ending].join())?.shift()
  if (before !== undefined) return before
  const result = await one(name, destination, ending)
  const line = `${JSON.stringify({ name, destination, ending, ...result, stderr: result.stderr?.slice(0, 1000) })}\n`
  if (process.env.RESULTS !== undefined) appendFileSync(process.env.RESULTS, line)
  return result
}

function readResults(path) {
  const results = new Map()
  if (path === undefined || !existsSync(path)) return results
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    const { name, destination, ending, ...result } = JSON.parse(line)
    const key = [name, destination, ending].join()
    results.set(key, [...(results.get(key) ?? []), result])
  }
  return results
}

async function matrix(destination, endings) {
  const cells = Object.fromEntries(names.map((name) => [name, Object.fromEntries(endings.map((ending) => [ending, []]))]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const ending of endings) {
      for (const name of shuffled(names)) {
        if (name === 'tracelaneOs' && destination !== 'file') continue
        cells[name][ending].push(await once(name, destination, ending))
      }
    }
  }
  const shown = names.filter((name) => endings.some((ending) => cells[name][ending].some((result) => result.kept !== undefined)))
  if (shown.length === 0) return 'None of them has it.'
  const rows = endings.map((ending) => [ending, ...shown.map((name) => cellOf(cells[name][ending]))])
  return table(['', ...shown.map((name) => LOGGERS[name].title)], rows)
}

function cellOf(results) {
  if (results.length === 0 || results.some(({ missing }) => missing !== undefined)) return '–'
  const numbers = results.map(({ kept }) => kept)
  const [low, middle, high] = [Math.min(...numbers), median(numbers), Math.max(...numbers)].map((n) => n.toLocaleString('en'))
  const kept = results.every(({ all }) => all) ? 'all' : low === high ? low : `${middle} (${low} to ${high})`
  const during = results.map(({ whileBlocked }) => whileBlocked).filter((value) => value !== undefined)
  const meanwhile = during.length === 0 ? [] : [`(${median(during).toLocaleString('en')} during it)`]
  const marks = [
    [results.some(({ died }) => died), '†'],
    [results.some(({ endless }) => endless), '∞'],
    [results.some(({ torn }) => torn > 0), '*t*'],
    [results.some(({ doubled }) => doubled > 0), '*d*'],
  ]
  return [kept, ...meanwhile, ...marks.filter(([is]) => is).map(([, mark]) => mark)].join(' ')
}

async function killTable() {
  const kept = Object.fromEntries(names.map((name) => [name, []]))
  for (let kill = 0; kill < OUR_KILLS; kill++) {
    for (const name of shuffled(kill < KILLS ? names : names.filter((one) => one.startsWith('tracelane')))) {
      const result = await one(name, 'file', 'SIGKILL at once')
      if (result.missing === undefined && !result.endless) kept[name].push(result.kept)
    }
  }
  const share = (lines) => `${((lines / COUNT) * 100).toFixed(1)} %`
  const rows = names
    .filter((name) => kept[name].length > 0)
    .map((name) => {
      const all = kept[name].toSorted((a, b) => a - b)
      return [LOGGERS[name].title, all.length, share(all[0]), share(all[Math.floor((all.length - 1) * 0.05)]), share(median(all))]
    })
  return table([`of ${COUNT.toLocaleString('en')} lines`, 'kills', 'minimum', '5 %', 'median'], rows)
}
