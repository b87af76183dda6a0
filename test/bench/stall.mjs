// What do the users of a service notice when the destination of its log stands still? An Express app whose lines go to a FIFO; what reads it is
// stopped, or runs. Requests come at a fixed rate, whether they are answered or not.
//
// Each pair is two fresh processes, one with a reader and one without, in random order, and every row once in each round, in random order.
//
//   npm run bench:stall                     10 pairs of 3 s; SECONDS=30 for the whole experiment
//   npm run bench:stall -- --write          puts the table into docs/reference/benchmarks.md
//   ROUNDS=2 ONLY=tracelane,pinoTransport   a shorter run
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'
import { start } from './support/runs.mjs'
import { TITLES } from './support/service-loggers.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const SECONDS = Number(process.env.SECONDS ?? 3)
const RATE = Number(process.env.RATE ?? 400)
const LINES = Number(process.env.LINES ?? 50)
const WARM_UP_SECONDS = 1
const ROWS = ['tracelane', 'tracelaneWarn', 'tracelaneHttp', 'pinoTransport', 'winston', 'log4js']

const node = benchNode()
const folder = mkdtempSync(join(tmpdir(), 'tracelane-bench-'))
const names = process.env.ONLY?.split(',') ?? ROWS
const missing = new Map()
const pairs = Object.fromEntries(names.map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const name of shuffled(names)) {
    if (missing.has(name)) continue
    const pair = {}
    for (const stalled of shuffled([true, false])) pair[stalled ? 'stalled' : 'well'] = await measure(name, stalled)
    if (!missing.has(name)) pairs[name].push(pair)
  }
}
rmSync(folder, { recursive: true })

const how = [
  `${ROUNDS} pairs of ${SECONDS} s, ${RATE} requests a second, ${LINES} lines in each. Memory: how much the process grew in that time.`,
  machine(node.version),
]
if (missing.size > 0) how.push(`Not there: ${[...missing].map(([name, why]) => `${TITLES[name]} (${why})`).join('; ')}.`)
publish('bench:stall', [report(), how.join(' ')].join('\n\n'))

async function measure(name, stalled) {
  const destination = name === 'tracelaneHttp' ? await server(stalled) : await fifo(stalled)
  const service = await start(node, 'service.mjs', [name, destination.target, String(LINES), 'express'])
  const load = await start({ path: process.execPath }, 'load.mjs', [])
  if (service.ready.missing !== undefined) missing.set(name, service.ready.missing)
  else {
    const { port } = service.ready
    const ask = (seconds) => load.ask({ port, seconds, connections: 20, rate: RATE })
    await ask(WARM_UP_SECONDS)
    destination.begin()
    const before = await service.ask('state')
    const result = await ask(SECONDS)
    const after = await service.ask('state')
    await Promise.all([service.kill(), load.stop()])
    destination.close()
    return { ...result, memory: after.rss - before.rss }
  }
  await Promise.all([service.kill(), load.stop()])
  destination.close()
  return undefined
}

/* A FIFO that somebody reads; `begin` stops the reader, or does nothing. */
async function fifo(stalled) {
  const target = join(folder, 'fifo')
  execFileSync('mkfifo', [target])
  const reader = spawn('cat', [target], { stdio: ['ignore', 'ignore', 'inherit'] })
  return {
    target,
    begin: () => stalled && reader.kill('SIGSTOP'),
    close() {
      reader.kill('SIGKILL')
      rmSync(target)
    },
  }
}

/* A server that answers, and from `begin` on does not, if it is to stall. */
async function server(stalled) {
  let silent = false
  const listener = createServer((req, res) => {
    req.resume().on('end', () => silent || res.end('{}'))
  })
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    target: `http://127.0.0.1:${listener.address().port}/logs`,
    begin() {
      silent = stalled
    },
    close() {
      listener.closeAllConnections()
      listener.close()
    },
  }
}

function report() {
  const rows = names
    .filter((name) => pairs[name].length > 0)
    .map((name) => {
      const of = (state, key) => pairs[name].map((pair) => pair[state][key])
      const ratios = pairs[name].map(({ well, stalled }) => stalled.p99 / well.p99)
      return [
        TITLES[name],
        median(of('well', 'p99')).toFixed(1),
        median(of('stalled', 'p99')).toFixed(1),
        withInterval(ratios, 2),
        `${median(of('well', 'max')).toFixed(0)} / ${median(of('stalled', 'max')).toFixed(0)}`,
        `${median(of('well', 'memory')).toFixed(0)} / ${median(of('stalled', 'memory')).toFixed(0)}`,
      ]
    })
  const header = [
    '',
    '99 % within, ms',
    'stalled, ms',
    'stalled / not',
    'longest, ms: not / stalled',
    'memory, MB: not / stalled',
  ]
  return table(header, rows)
}
