import type { DeliveredLine } from './destination'
import { SKEWS } from './producers'

interface Arrived {
  readonly p: number
  readonly n: number
  readonly clock: readonly number[]
  readonly hlc: string
  readonly time: string | number
}

/** Compares what came out with what was written. */
export class Oracle {
  /** Lines that came again, by (instance, seq). */
  twice = 0
  readonly #names = new Set<string>()
  readonly #traces = new Map<number, Arrived[]>()
  readonly #seen: readonly Set<number>[] = SKEWS.map(() => new Set<number>())

  /** How many lines came, each counted once. */
  get events(): number {
    return this.#names.size
  }

  take({ trace, p, n, vector, hlc, time, seq, instance }: DeliveredLine): void {
    const name = `${instance}-${seq}`
    if (this.#names.has(name)) {
      this.twice++
      return
    }
    this.#names.add(name)
    this.#seen[p]?.add(n)
    const arrived = { p, n, hlc, time, clock: vector.split('.').map(Number) }
    const known = this.#traces.get(trace)
    if (known === undefined) this.#traces.set(trace, [arrived])
    else known.push(arrived)
  }

  /** How many lines of a process came. */
  countOf(p: number): number {
    return this.#seen[p]?.size ?? 0
  }

  /** The first of the lines 1 to `count` of a process that is missing. */
  missingOf(p: number, count: number): number | undefined {
    for (let n = 1; n <= count; n++) if (this.#seen[p]?.has(n) !== true) return n
    return undefined
  }

  /** How many lines came before an earlier one of the same trace and process. */
  outOfOrder(): number {
    let found = 0
    for (const lines of this.#traces.values()) {
      const last = SKEWS.map(() => 0)
      for (const { p, n } of lines) {
        if (n <= (last[p] as number)) found++
        last[p] = n
      }
    }
    return found
  }

  /** How many lines have a later one that happened before them, when traces are sorted by `field`. */
  inversions(field: 'hlc' | 'time'): number {
    const sorted = [...this.#traces.values()].map((lines) =>
      [...lines].sort((a, b) => (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0)),
    )
    return sorted.reduce((sum, lines) => sum + inversionsOf(lines), 0)
  }
}

function inversionsOf(lines: readonly Arrived[]): number {
  const earliestLater = SKEWS.map(() => Infinity)
  let found = 0
  for (const { p, clock } of [...lines].reverse()) {
    if (clock.some((count, q) => (earliestLater[q] as number) <= count)) found++
    earliestLater[p] = Math.min(earliestLater[p] as number, clock[p] as number)
  }
  return found
}
