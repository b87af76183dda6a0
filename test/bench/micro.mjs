// What do the parts cost, in nanoseconds a call, beside the same parts of OpenTelemetry?
//
// Each operation runs in a process of its own, so that none is compiled for the arguments of another; the processes take turns.
// `--write` puts the table into docs/reference/benchmarks.md. ROUNDS=9 and ONLY='extract' (part of a name) change what is run.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { machine, publish, shuffled, table, version, withInterval } from './support/measure.mjs'
import { operations } from './support/micro-operations.mjs'
import { benchNode } from './support/node.mjs'

const ROUNDS = Number(process.env.ROUNDS ?? 10)
const BATCHES = 9
const BATCH_MS = 20
/* Code as long as the middleware's takes half a second to be compiled for good; before, it is twice as slow. */
const WARM_UP_MS = 700
const self = fileURLToPath(import.meta.url)
const [, , flag, wanted] = process.argv

if (flag === '--operation') process.stdout.write(String(await measure(operations[wanted])))
else compare()

/* The fastest of the batches is the one that other work on the machine disturbed least. */
async function measure({ prepare }) {
  const operation = await prepare()
  const run = operation.batch ?? ((times) => repeat(operation, times))
  let times = 1000
  const timed = () => {
    const start = process.hrtime.bigint()
    run(times)
    return Number(process.hrtime.bigint() - start)
  }
  // Warms up as well: the batch grows until it is long enough to be measured.
  while (timed() < BATCH_MS * 1e6) times *= 2
  const warm = performance.now() + WARM_UP_MS
  while (performance.now() < warm) timed()
  const each = []
  for (let i = 0; i < BATCHES; i++) each.push(timed() / times)
  return Math.min(...each)
}

/* What an operation returns is used, or the compiler might leave the operation out. */
function repeat(operation, times) {
  let used = 0
  for (let i = 0; i < times; i++) if (operation() !== undefined) used++
  if (used > times) throw new Error('more results than calls')
}

function compare() {
  const node = benchNode()
  const names = Object.keys(operations).filter((name) => name.includes(process.env.ONLY ?? ''))
  const times = new Map(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of shuffled(names)) {
      times.get(name).push(Number(execFileSync(node.path, [self, '--operation', name], { encoding: 'utf8' })))
    }
  }
  const rows = names.map((name) => {
    const { peer } = operations[name]
    const ratios = times.has(peer) ? times.get(name).map((ns, round) => times.get(peer)[round] / ns) : undefined
    return [
      name,
      withInterval(times.get(name), 1),
      ratios === undefined ? '' : `${withInterval(ratios, 1)} × faster than ${peer}`,
    ]
  })
  const text = [
    table(['operation', 'ns', 'beside its peer'], rows),
    '',
    `The fastest of ${BATCHES} batches in a process; median of ${ROUNDS} processes, with the interval that holds it at 95 % confidence. ${machine(node.version)}`,
    `OpenTelemetry: core ${version('@opentelemetry/core')}, sdk-trace-base ${version('@opentelemetry/sdk-trace-base')}.`,
  ]
  publish('bench:micro', text.join('\n'))
}
