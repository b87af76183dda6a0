/** Time and chance, as decorators use them. Tests give their own. */
export interface Timing {
  /** Milliseconds of a clock that nobody sets. */
  now(): number
  /** A number from 0 up to, not including, 1. */
  random(): number
  /** Calls `then` once after so many milliseconds, without keeping the process alive; returns what calls it off. */
  after(ms: number, then: () => void): () => void
}

/* setTimeout takes no more than that, and would call at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** That of this thread. */
export const systemTiming: Timing = Object.freeze({
  now: () => performance.now(),
  random: () => Math.random(),
  after(ms: number, then: () => void) {
    const timer = setTimeout(then, Math.min(ms, MAX_TIMEOUT_MS)).unref()
    return () => clearTimeout(timer)
  },
})

/** The waits of one decorator, which end when it is closed. */
export class Waits {
  readonly #timing: Timing
  readonly #ends = new Set<() => void>()
  #closed = false

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** Whether there is nothing to wait for any more. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Resolves after so many milliseconds, or when it is closed; whether it may go on. */
  async wait(ms: number): Promise<boolean> {
    if (this.#closed) return false
    await new Promise<void>((resolve) => {
      const callOff = this.#timing.after(ms, () => end())
      const end = (): void => {
        this.#ends.delete(end)
        callOff()
        resolve()
      }
      this.#ends.add(end)
    })
    return !this.#closed
  }

  /** Ends all waits, for ever. */
  close(): void {
    this.#closed = true
    for (const end of [...this.#ends]) end()
  }
}
