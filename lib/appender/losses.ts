import { captureEvent, type Level, type LogEvent } from '../event'

/**
 * Why an event was discarded. `threshold`: its level goes first when little room is left. `full`: there was no room. `timeout`: there
 * was still none after a wait, or nothing has moved since the last one. `spool`: the spool refused it.
 */
export type LossReason = 'threshold' | 'full' | 'timeout' | 'spool'

/** Counts by level and reason, without those that are 0. */
export type LossCounts = Readonly<Partial<Record<LossReason, Readonly<Partial<Record<Level, number>>>>>>

/** The logger of the line that announces a loss. */
const ANNOUNCER = 'tracelane.appender'

/** What one queue has discarded, in all and since it was last announced in the stream. */
export class Losses {
  readonly #all = new Map<LossReason, Map<Level, number>>()
  #total = 0
  #levels = new Map<Level, number>()
  #reasons = new Map<LossReason, number>()
  #firstSeq = 0
  #lastSeq = 0

  get total(): number {
    return this.#total
  }

  /** Whether there is something to announce. */
  get isPending(): boolean {
    return this.#levels.size > 0
  }

  count(level: Level, reason: LossReason, seq: number, events = 1): void {
    this.#total += events
    const byLevel = this.#all.get(reason) ?? new Map<Level, number>()
    this.#all.set(reason, byLevel)
    byLevel.set(level, (byLevel.get(level) ?? 0) + events)
    if (!this.isPending) this.#firstSeq = seq
    this.#lastSeq = seq
    this.#levels.set(level, (this.#levels.get(level) ?? 0) + events)
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + events)
  }

  /** All since the queue was made. */
  counts(): LossCounts {
    return Object.fromEntries([...this.#all].map(([reason, byLevel]) => [reason, Object.fromEntries(byLevel)]))
  }

  /** The event that announces what was lost since the last one, and where: their numbers lie in a range of `seq`. */
  announcement(): LogEvent {
    const total = [...this.#levels.values()].reduce((sum, count) => sum + count, 0)
    const fields = {
      discarded: Object.fromEntries(this.#levels),
      reasons: Object.fromEntries(this.#reasons),
      ...{ firstSeq: this.#firstSeq, lastSeq: this.#lastSeq },
    }
    const msg = `${total} events were discarded because the queue was full`
    return captureEvent(undefined, { level: 'warn', logger: ANNOUNCER, msg, fields })
  }

  /** The announcement is in the stream. */
  announced(): void {
    this.#levels = new Map()
    this.#reasons = new Map()
  }
}
