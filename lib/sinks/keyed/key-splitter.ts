/** How many traces are counted at most; the one that was quiet for longest is forgotten. */
const MAX_TRACES = 10_000

/**
 * Gives each trace its key: the trace id, and another key after each `maxEvents` events of it, `id#1`, `id#2`, so that one trace with millions of
 * lines does not keep one partition busy. Which key an event gets depends on what was delivered before it, so it is the same at each try.
 */
export class KeySplitter {
  readonly #maxEvents: number
  readonly #delivered = new Map<string, number>()

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents
  }

  /** The key of the event of `traceId` that `ahead` others of the same trace and batch go before. */
  keyOf(traceId: string, ahead: number): string {
    const part = Math.floor(((this.#delivered.get(traceId) ?? 0) + ahead) / this.#maxEvents)
    return part === 0 ? traceId : `${traceId}#${part}`
  }

  /** So many events of `traceId` are where they should be. */
  count(traceId: string, events: number): void {
    const before = this.#delivered.get(traceId) ?? 0
    this.#delivered.delete(traceId)
    this.#delivered.set(traceId, before + events)
    if (this.#delivered.size <= MAX_TRACES) return
    for (const oldest of this.#delivered.keys()) {
      this.#delivered.delete(oldest)
      break
    }
  }
}
