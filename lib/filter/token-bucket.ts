/** Lets `perSecond` things through in the long run, and at most `capacity` at once. It begins full. */
export class TokenBucket {
  readonly #perMs: number
  readonly #capacity: number
  #tokens: number
  #at = Number.NEGATIVE_INFINITY

  /** `perSecond` is above 0, `capacity` at least 1. */
  constructor(perSecond: number, capacity: number) {
    this.#perMs = perSecond / 1000
    this.#capacity = capacity
    this.#tokens = capacity
  }

  /** Whether one more may pass at `now` (ms since the epoch); a clock that was set back neither fills nor stops it. */
  take(now: number): boolean {
    if (now > this.#at) this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
