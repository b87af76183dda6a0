// What do the users of a service notice when the server that its log goes to does not answer, or answers after 5 s? An Express app with each of the sinks on the
// network; requests come at a fixed rate, whether they are answered or not.
//
// Each round has fresh processes: of each sink one whose server answers at once, one whose server takes connections and never answers, and one whose server answers
// after 5 s, in random order. Kafka and RocketMQ speak with a broker before they send, so there is none that could answer in time: beside their server that
// never answers stands a process whose lines go to /dev/null.
//
//   npm run bench:stall-network                3 rounds, less than 4 minutes
//   npm run bench:stall-network -- --write     puts the table into docs/reference/benchmarks.md
//   ROUNDS=1 ONLY=http,kafka                   a shorter run
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { machine, median, publish, shuffled, table } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'
import { start } from './support/runs.mjs'
import { TITLES } from './support/service-loggers.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 3)
const SECONDS = Number(process.env.SECONDS ?? 1.5)
const RATE = Number(process.env.RATE ?? 400)
const LINES = Number(process.env.LINES ?? 50)
const WARM_UP_SECONDS = 1
const SLOW_MS = 5_000
const HTTP = ['tracelaneHttp', 'tracelaneOtlp', 'tracelaneElasticsearch']
const BROKERS = ['tracelaneKafka', 'tracelaneRocketmq']
/* By the state of its server, how long a sink is watched, in seconds: with one that is slow until answers have come. */
const STATES = { well: SECONDS, silent: SECONDS, slow: SLOW_MS / 1000 + SECONDS }

const node = benchNode()
const wanted = process.env.ONLY?.split(',').map((name) => `tracelane${name[0].toUpperCase()}${name.slice(1)}`)
const names = [...HTTP, ...BROKERS].filter((name) => wanted?.includes(name) ?? true)
const cells = names.flatMap((name) =>
  (HTTP.includes(name) ? ['well', 'silent', 'slow'] : ['well', 'silent']).map((state) => [name, state]),
)
const results = Object.fromEntries(names.map((name) => [name, { well: [], silent: [], slow: [] }]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, state] of shuffled(cells)) results[name][state].push(await measure(name, state))
}
const how = [
  `${ROUNDS} rounds, ${RATE} requests a second, ${LINES} lines in each, of which the queue (4 MiB) discards what finds no room. 99 % of requests within, in ms, the median of the rounds; in brackets the ratios of the rounds.`,
  machine(node.version),
]
publish('bench:stall-network', [report(), how.join(' ')].join('\n\n'))

async function measure(name, state) {
  const isBroker = BROKERS.includes(name)
  const destination = isBroker ? await mute() : await answering(state)
  const row = isBroker && state === 'well' ? 'tracelane' : name
  const service = await start(node, 'service.mjs', [
    row,
    row === 'tracelane' ? '/dev/null' : destination.target,
    String(LINES),
    'express',
  ])
  if (service.ready.missing !== undefined) throw new Error(`${name}: ${service.ready.missing}`)
  const load = await start({ path: process.execPath }, 'load.mjs', [])
  const ask = (seconds) => load.ask({ port: service.ready.port, seconds, connections: 20, rate: RATE })
  await ask(WARM_UP_SECONDS)
  destination.begin()
  const result = await ask(STATES[state])
  await Promise.all([service.kill(), load.stop()])
  destination.close()
  return result
}

/* A server that answers at once, and from `begin` on as `state` says. */
async function answering(state) {
  let isStalled = false
  const server = createHttpServer((req, res) => {
    const answer = () => res.writeHead(200, { 'content-type': 'application/json' }).end('{"errors":false}')
    req.resume().on('end', () => {
      if (!isStalled || state === 'well') answer()
      else if (state === 'slow') setTimeout(answer, SLOW_MS).unref()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    target: `http://127.0.0.1:${server.address().port}`,
    begin() {
      isStalled = true
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/* A server that takes connections and never answers. */
async function mute() {
  const sockets = new Set()
  const server = createServer((socket) => {
    sockets.add(socket.resume().on('error', () => undefined))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    target: `127.0.0.1:${server.address().port}`,
    begin() {},
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function report() {
  const rows = names.map((name) => {
    const { well, silent, slow } = results[name]
    return [TITLES[name], median(well.map(({ p99 }) => p99)).toFixed(1), cell(silent, well), cell(slow, well)]
  })
  return table(['', 'the server answers', 'it never answers', 'it answers after 5 s'], rows)
}

function cell(stalled, well) {
  if (stalled.length === 0) return '—'
  const ratios = stalled.map(({ p99 }, i) => (p99 / well[i].p99).toFixed(2)).sort((a, b) => a - b)
  return `${median(stalled.map(({ p99 }) => p99)).toFixed(1)} (× ${ratios.join(', ')})`
}
