// What does a trace cost an Express app, by itself? Hello world as in http.mjs, yet on connections that are streams of the same process.
//
// Without sockets, a kernel and a load beside it, a batch of requests takes a few milliseconds, and the fastest batches are those that nothing
// disturbed: so a microsecond can be told on a machine that is busy. Garbage collection is in few of them. `--write` puts the table into the docs.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { machine, median, publish, shuffled, table, version, withInterval } from './support/measure.mjs'
import { benchNode } from './support/node.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const ROWS = {
  bare: 'bare Express',
  storage: 'one `AsyncLocalStorage.run()` and a header, the least that there can be',
  quiet: 'tracelane, `spans: false`',
  unheard: "tracelane as shipped, with another's logger",
  rtracer: `cls-rtracer ${version('cls-rtracer')}`,
}
const CALLERS = { alone: '', traced: ', with a traceparent' }
const program = fileURLToPath(new URL('support/express-alone.mjs', import.meta.url))

const node = benchNode()
const keys = Object.keys(CALLERS).flatMap((caller) => Object.keys(ROWS).map((row) => `${row} ${caller}`))
const micros = new Map(keys.map((key) => [key, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const key of shuffled(keys)) {
    const argv = ['--preserve-symlinks', '--preserve-symlinks-main', program, ...key.split(' ')]
    micros.get(key).push(Number(execFileSync(node.path, argv, { encoding: 'utf8' })))
  }
}
const rows = keys.map((key) => {
  const [row, caller] = key.split(' ')
  const bare = micros.get(`bare ${caller}`)
  const over = micros.get(key).map((each, round) => each - bare[round])
  return [ROWS[row] + CALLERS[caller], median(micros.get(key)).toFixed(1), row === 'bare' ? '' : withInterval(over, 1, true)]
})
const note = `Express ${version('express')}. The fastest twentieth of the batches of a process; medians of ${ROUNDS} processes, with the interval that holds them at 95 % confidence. ${machine(node.version)}`
publish('bench:express', [table(['', 'µs a request', 'over bare, µs'], rows), note].join('\n\n'))
