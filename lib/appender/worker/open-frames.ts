import type { Outcomes } from '../ring'

/** Something that was read and is not settled: a frame of the ring, or a record of the spool. */
export interface OpenFrame {
  readonly events: number
  /** All its events are settled, and those of all before it. */
  resolve(outcomes: Outcomes): void
}

/**
 * What was read and is not settled, in order. Batches of it may be settled in any order; it is resolved in its own.
 *
 * Which outcome belongs to which of several open frames is not kept: each takes as many as it has events, so the account is right whenever none is open.
 */
export class OpenFrames {
  readonly #frames: { readonly frame: OpenFrame; left: number }[] = []
  #pool = { delivered: 0, rejected: 0, quarantined: 0, filtered: 0, spooled: 0, bytes: 0 }

  get isEmpty(): boolean {
    return this.#frames.length === 0
  }

  /** Adds the next one; the returned function says that so many of its events are settled. */
  open(frame: OpenFrame): (events: number) => void {
    const entry = { frame, left: frame.events }
    this.#frames.push(entry)
    return (events) => {
      entry.left -= events
    }
  }

  /** Adds to what settled events came to. */
  enter({ delivered, rejected, quarantined, filtered, spooled, bytes }: Outcomes): void {
    const pool = this.#pool
    pool.delivered += delivered
    pool.rejected += rejected
    pool.quarantined += quarantined
    pool.filtered += filtered
    pool.spooled += spooled
    pool.bytes += bytes
  }

  /** Resolves those at the front that are settled; how many. */
  resolve(): number {
    let count = 0
    for (let first = this.#frames[0]; first !== undefined && first.left === 0; first = this.#frames[0]) {
      this.#frames.shift()
      first.frame.resolve(this.#take(first.frame.events))
      count++
    }
    return count
  }

  /** Forgets all of it. */
  clear(): void {
    this.#frames.length = 0
    this.#pool = { delivered: 0, rejected: 0, quarantined: 0, filtered: 0, spooled: 0, bytes: 0 }
  }

  #take(events: number): Outcomes {
    const pool = this.#pool
    const rejected = Math.min(pool.rejected, events)
    const quarantined = Math.min(pool.quarantined, events - rejected)
    const filtered = Math.min(pool.filtered, events - rejected - quarantined)
    const spooled = Math.min(pool.spooled, events - rejected - quarantined - filtered)
    const delivered = events - rejected - quarantined - filtered - spooled
    const { bytes } = pool
    this.#pool = {
      delivered: pool.delivered - delivered,
      rejected: pool.rejected - rejected,
      quarantined: pool.quarantined - quarantined,
      filtered: pool.filtered - filtered,
      spooled: pool.spooled - spooled,
      bytes: 0,
    }
    return { delivered, rejected, quarantined, filtered, spooled, bytes }
  }
}
