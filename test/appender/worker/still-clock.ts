import type { SenderClock } from '../../../lib/appender/worker/frame-sender'

/** A clock that goes on when it is told to. */
export class StillClock implements SenderClock {
  readonly #timers = new Set<{ readonly at: number; readonly then: () => void }>()
  #now = 1000

  now(): number {
    return this.#now
  }

  readonly after = (ms: number, then: () => void): { cancel(): void } => {
    const timer = { at: this.#now + ms, then }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** How many timers have been set and are not over. */
  get timers(): number {
    return this.#timers.size
  }

  /** Lets so much time pass. */
  pass(ms: number): void {
    this.#now += ms
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.then()
    }
  }
}
