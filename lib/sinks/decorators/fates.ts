import { type BatchResult, DELIVERED } from '../sink'

/**
 * What became of one event. In the order in which one wins when an event goes to several sinks: `filtered` only if all of them left it out, `retryable` if any
 * of them does not have it yet. `spooled`, on the disk and to be sent from there, is for no event that goes to several.
 */
export const FATE = { filtered: 0, delivered: 1, rejected: 2, retryable: 3, spooled: 4 } as const

/** One of `FATE`. */
export type Fate = (typeof FATE)[keyof typeof FATE]

const FATES = Object.values(FATE)
const MOST_REASONS = 3

/** What became of the events of a batch, one by one, gathered from the answers about parts of it. At the beginning all are `retryable`. */
export class Fates {
  readonly #fates: Uint8Array
  readonly #reasons = new Map<number, string>()
  /* Rejected ones that were rejected together, so that parts of them are worth a try. */
  readonly #divisible = new Set<number>()
  #retryAfterMs: number | undefined

  /** For a batch of so many rows. */
  constructor(rows: number) {
    this.#fates = new Uint8Array(rows).fill(FATE.retryable)
  }

  /** What became of the event at `row`. */
  at(row: number): Fate {
    return this.#fates[row] as Fate
  }

  /** The rows with this fate, in order. */
  rowsOf(fate: Fate): number[] {
    const rows: number[] = []
    this.#fates.forEach((one, row) => {
      if (one === fate) rows.push(row)
    })
    return rows
  }

  /** Whether the event at `row` was refused together with others. */
  isDivisible(row: number): boolean {
    return this.#divisible.has(row)
  }

  /** Why the event at `row` is not delivered, for people. */
  reasonAt(row: number): string | undefined {
    return this.#reasons.get(row)
  }

  /** Enters one event. */
  set(row: number, fate: Fate, reason?: string, divisible = false): void {
    this.#fates[row] = fate
    if (reason === undefined) this.#reasons.delete(row)
    else this.#reasons.set(row, reason)
    if (divisible) this.#divisible.add(row)
    else this.#divisible.delete(row)
  }

  /** Enters the answer about a part, whose row `i` is `rows[i]` of the whole. The longest wait that was asked for since `forgetWaits()` counts. */
  enter(result: BatchResult, rows: readonly number[]): void {
    // One that was refused alone, as a part, is refused for good.
    const isFinal = rows.length === 1 && this.#fates.length > 1
    eachFate(result, rows.length, (i, fate, reason, divisible) => {
      this.set(rows[i] as number, fate, reason, divisible && !isFinal)
    })
    if (result.outcome !== 'delivered') this.heedWait(result.retryAfterMs)
  }

  /** How long the answers ask to wait. */
  get retryAfterMs(): number | undefined {
    return this.#retryAfterMs
  }

  /** Enters only how long somebody asks to wait. */
  heedWait(ms: number | undefined): void {
    if (ms !== undefined) this.#retryAfterMs = Math.max(this.#retryAfterMs ?? 0, ms)
  }

  /** A new try: what earlier answers asked for is over. */
  forgetWaits(): void {
    this.#retryAfterMs = undefined
  }

  /** What is still `retryable` is given up, so nobody shall try it again. */
  giveUp(why: string): void {
    for (const row of this.rowsOf(FATE.retryable)) this.set(row, FATE.rejected, `${why}: ${this.#reasons.get(row) ?? 'not sent'}`)
  }

  /**
   * The answer about the whole. Events that were refused together, as a part of it, become `retryable`: alone then, they are refused as a whole, and whoever
   * sends can divide them.
   */
  result(): BatchResult {
    const all = this.#fates.length
    if (this.#divisible.size < all) {
      for (const row of this.#divisible) this.#fates[row] = FATE.retryable
      this.#divisible.clear()
    }
    const lists = FATES.map((fate) => this.rowsOf(fate))
    const [filtered = [], delivered = [], rejected = [], retryable = [], spooled = []] = lists
    if (delivered.length === all) return DELIVERED
    const reason = this.#reason()
    if (rejected.length === all) return { outcome: 'rejected', reason, ...(this.#divisible.size > 0 ? { divisible: true } : {}) }
    const wait = this.#retryAfterMs === undefined || retryable.length === 0 ? {} : { retryAfterMs: this.#retryAfterMs }
    if (retryable.length === all) return { outcome: 'retryable', reason, ...wait }
    const others = { ...(filtered.length > 0 ? { filtered } : {}), ...(spooled.length > 0 ? { spooled } : {}) }
    return { outcome: 'partial', rejected, retryable, ...others, reason, ...wait }
  }

  #reason(): string {
    const reasons = [...new Set(this.#reasons.values())]
    if (reasons.length === 0) return 'not sent'
    const more = reasons.length > MOST_REASONS ? '; ...' : ''
    return reasons.slice(0, MOST_REASONS).join('; ') + more
  }
}

type TakeFate = (row: number, fate: Fate, reason: string | undefined, divisible: boolean) => void

function eachFate(result: BatchResult, rows: number, take: TakeFate): void {
  if (result.outcome === 'partial') {
    const fates = new Uint8Array(rows).fill(FATE.delivered)
    for (const row of result.filtered ?? []) fates[row] = FATE.filtered
    for (const row of result.rejected) fates[row] = FATE.rejected
    for (const row of result.retryable) fates[row] = FATE.retryable
    for (const row of result.spooled ?? []) fates[row] = FATE.spooled
    for (const [row, fate] of fates.entries())
      take(row, fate as Fate, fate === FATE.rejected || fate === FATE.retryable ? result.reason : undefined, false)
    return
  }
  const reason = result.outcome === 'delivered' ? undefined : result.reason
  const divisible = result.outcome === 'rejected' && result.divisible === true
  for (let row = 0; row < rows; row++) take(row, FATE[result.outcome], reason, divisible)
}
