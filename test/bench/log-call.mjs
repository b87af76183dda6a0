// What does a log call cost, and how soon is the line in the file? One message, three fields and the trace id of the flow.
//
// Each sample is a process of its own; in each round every row is measured once, in random order. The lines are then read back here: each must
// be there once, with its own fields and the id of the trace in which it was logged.
//
//   npm run bench:log                     200,000 lines a sample, as fast as they go; and paced, 20,000 lines a second
//   npm run bench:log -- --heavy          a million lines a sample
//   npm run bench:log -- --write          puts the tables into docs/reference/benchmarks.md
//   ROUNDS=3 ONLY=tracelane,pinoBest      a shorter run
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { fieldsOf, TITLES } from './support/log-call-rows.mjs'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const LINES = Number(process.env.LINES ?? (process.argv.includes('--heavy') ? 1_000_000 : 200_000))
const PACED = { lines: 20_000, paceMs: 5 }
const WARM_UP = 20_000
const LINES_A_TURN = 100
const PEER = 'pinoBest'
const RUN = fileURLToPath(new URL('support/log-call-run.mjs', import.meta.url))

const node = benchNode()
const folder = mkdtempSync(join(tmpdir(), 'tracelane-bench-'))
const names = process.env.ONLY === undefined ? Object.keys(TITLES) : ['none', ...process.env.ONLY.split(',')]
const burst = await compare({ lines: LINES, paceMs: 0 })
const paced = await compare(PACED)
rmSync(folder, { recursive: true })

const how = [
  `${ROUNDS} rounds of ${LINES.toLocaleString('en')} lines, 100 in each turn of the event loop, each turn a trace of its own; the row "no logger" is taken off.`,
  'CPU until the last line is in the file. Lines a second: from the first call until then. Delay: of 100 turns of the event loop, 99 are over within it.',
  `Peer: ${TITLES[PEER]}. ${machine(node.version)}`,
]
const slowly = `Paced: ${PACED.lines.toLocaleString('en')} lines, 100 every ${PACED.paceMs} ms. Delay: how late a timer is, at most, 99 times of 100.`
publish('bench:log', [burstTable(burst), how.join('\n'), slowly, pacedTable(paced)].join('\n\n'))

async function compare(load) {
  const rounds = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of shuffled(names)) rounds[name].push(await measure(name, load))
  }
  return rounds
}

async function measure(name, { lines, paceMs }) {
  const file = join(folder, `${name}.log`)
  const fd = openSync(file, 'w')
  const argv = [name, file, String(lines), String(paceMs)]
  const stdio = ['ignore', name === 'console' ? fd : 'inherit', 'inherit', 'ipc']
  // tracelane is a link to this repository; its peers are to come from here all the same.
  const child = fork(RUN, argv, { execPath: node.path, execArgv: ['--preserve-symlinks'], stdio })
  const ended = once(child, 'exit')
  const [result] = await Promise.race([
    once(child, 'message'),
    ended.then(([code, signal]) => {
      throw new Error(`${name} ended by itself: ${signal ?? code}`)
    }),
  ])
  await ended
  closeSync(fd)
  const { ids, ...figures } = result
  const wrong = name === 'none' ? 0 : await linesWrong(file, lines, ids)
  rmSync(file)
  return { ...figures, wrong }
}

/* How many lines are missing, twice there, or not what was logged. */
async function linesWrong(file, lines, ids) {
  const seen = new Uint8Array(WARM_UP + lines)
  let wrong = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { msg, message, traceId, properties, ...own } = JSON.parse(line)
    const { items, userId, amount, traceId: id = traceId } = properties ?? own
    const at = WARM_UP + items
    const said = fieldsOf(items)
    const right = id === ids[Math.floor(at / LINES_A_TURN)] && userId === said.userId && amount === said.amount
    if (!right || (msg ?? message) !== 'order placed' || seen[at] === 1) wrong++
    seen[at] = 1
  }
  return wrong + seen.reduce((missing, there) => missing + (there === 0 ? 1 : 0), 0)
}

function net(rounds, name, key) {
  return rounds[name].map((result, round) => result[key] - rounds.none[round][key])
}

function beside(rounds, name, relate) {
  return name === PEER || rounds[PEER] === undefined ? '' : withInterval(relate(rounds[name], rounds[PEER]), 1)
}

function burstTable(rounds) {
  const header = [
    '',
    'call, ns',
    'main thread, ns a line',
    'of peer',
    'all threads, ns',
    'lines a second',
    'of peer',
    'delay, ms',
    'lines wrong',
  ]
  const rows = names.map((name) => {
    const main = net(rounds, name, 'main')
    const peer = rounds[PEER] === undefined ? [] : net(rounds, PEER, 'main')
    const perSecond = rounds[name].map((result) => result.perSecond)
    if (name === 'none') return [TITLES[name], ...gross(rounds)]
    return [
      TITLES[name],
      median(net(rounds, name, 'call')).toFixed(0),
      withInterval(main, 0),
      beside(rounds, name, () => main.map((value, round) => value / peer[round])).replace(/^0\.0$/, '< 0.05'),
      median(net(rounds, name, 'all')).toFixed(0),
      Math.round(median(perSecond)).toLocaleString('en'),
      beside(rounds, name, (own, others) => own.map((result, round) => result.perSecond / others[round].perSecond)),
      median(rounds[name].map((result) => result.delay)).toFixed(2),
      median(rounds[name].map((result) => result.wrong)),
    ]
  })
  return table(header, rows)
}

function gross({ none }) {
  const of = (key) => median(none.map((result) => result[key]))
  return [of('call').toFixed(0), of('main').toFixed(0), '', of('all').toFixed(0), '', '', of('delay').toFixed(2), '']
}

function pacedTable(rounds) {
  const rows = names.map((name) => [
    TITLES[name],
    (name === 'none' ? median(rounds.none.map((result) => result.main)) : median(net(rounds, name, 'main'))).toFixed(0),
    median(rounds[name].map((result) => result.delay)).toFixed(2),
    name === 'none' ? '' : median(rounds[name].map((result) => result.wrong)),
  ])
  return table(['', 'main thread, ns a line', 'delay, ms', 'lines wrong'], rows)
}
