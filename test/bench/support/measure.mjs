// What every benchmark needs: medians with their intervals, the machine's description, and the place in the docs for the tables.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const REFERENCE = new URL('../../../docs/reference/', import.meta.url)

/* Not by require(): a package need not let its package.json be seen. */
export const version = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version

const sorted = (values) => [...values].sort((a, b) => a - b)

export function median(values) {
  const all = sorted(values)
  const middle = all.length >> 1
  return all.length % 2 === 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2
}

/*
 * The interval between the k-th smallest and the k-th largest value holds the true median with at least 95 % confidence, whatever the
 * distribution (binomial, no bootstrap, no normal curve). For 10 pairs: the second and the ninth. Below 6 values there is none.
 */
export function interval(values) {
  const all = sorted(values)
  let outside = 0
  let share = 0.5 ** all.length
  let k = 0
  while (outside + share <= 0.025) {
    outside += share
    share *= (all.length - k) / (k + 1)
    k++
  }
  return k === 0 ? undefined : [all[k - 1], all[all.length - k]]
}

export function shuffled(values) {
  const all = [...values]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const swap = all[i]
    all[i] = all[j]
    all[j] = swap
  }
  return all
}

/** `1.2 (0.9 to 1.4)`: the median, and the interval in which it is. */
export function withInterval(values, digits, sign = false) {
  const write = (value) => (sign && value > 0 ? '+' : '') + value.toFixed(digits)
  const range = interval(values)
  return range === undefined ? write(median(values)) : `${write(median(values))} (${write(range[0])} to ${write(range[1])})`
}

export function table(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(header), `|${header.map((_, i) => (i === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n')
}

/* Before we make any load of our own: what else was running. */
const [busy] = loadavg()

/** One sentence about where the figures come from. */
export function machine(node = process.version) {
  const [{ model }, ...others] = cpus()
  const day = new Date().toISOString().slice(0, 10)
  return `Node ${node}, ${others.length + 1} × ${model.trim()}, load average ${busy.toFixed(1)} at the start, ${process.platform}, ${day}.`
}

/** Prints `text`, and with `--write` puts it into a page of docs/reference between the marks called `name`. */
export function publish(name, text, file = 'benchmarks.md') {
  process.stdout.write(`${text}\n`)
  if (!process.argv.includes('--write')) return
  const path = fileURLToPath(new URL(file, REFERENCE))
  const page = readFileSync(path, 'utf8')
  const marks = new RegExp(`(<!-- ${name} -->)[^]*(<!-- /${name} -->)`)
  if (!marks.test(page)) throw new Error(`${path} has no place called ${name}`)
  const written = page.replace(marks, (_, before, after) => `${before}\n${text}\n${after}`)
  writeFileSync(path, written)
  // The linter wants the columns of tables aligned.
  spawnSync('npx', ['biome', 'format', '--write', path], { cwd: dirname(path), stdio: 'ignore' })
}
