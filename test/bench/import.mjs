// What does `require('tracelane')` cost in a fresh process? Side by side with pino and winston, from this repository's build.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROUNDS = Number(process.env.ROUNDS ?? 21)
const cwd = fileURLToPath(new URL('../..', import.meta.url))
// The first row is what any require() costs: a file that Node has to find, read and compile, with nothing in it
const EMPTY = './test/fixtures/empty.cjs'
const WHAT = [EMPTY, 'tracelane', 'tracelane/adapters/pino', 'pino', 'winston']
const program = (name) =>
  `const t = process.hrtime.bigint(); require('${name}'); console.log(Number(process.hrtime.bigint() - t) / 1e6)`

const times = new Map(WHAT.map((name) => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const name of WHAT) {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program(name)], { cwd, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    times.get(name).push(Number(stdout))
  }
}

console.log(`require() in a fresh process, Node ${process.version}, ${ROUNDS} rounds, ms`)
for (const [name, all] of times) {
  all.sort((a, b) => a - b)
  const at = (share) => all[Math.floor(share * (all.length - 1))].toFixed(1)
  console.log(`${name.padEnd(24)} median ${at(0.5).padStart(6)}   quartiles ${at(0.25)} to ${at(0.75)}   least ${at(0)}`)
}
