import type { Timing } from './timing'

/** So many at once, and filled again evenly. */
export class Bucket {
  readonly #perSecond: number
  readonly #burst: number
  readonly #timing: Timing
  #tokens: number
  #at: number

  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }, timing: Timing) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#timing = timing
    this.#tokens = burst
    this.#at = timing.now()
  }

  /** Takes so many, if they are there. */
  take(count: number): boolean {
    const now = this.#timing.now()
    this.#tokens = Math.min(this.#tokens + ((now - this.#at) * this.#perSecond) / 1000, this.#burst)
    this.#at = now
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** How long until so many are there, in milliseconds, from 1. */
  waitFor(count: number): number {
    return Math.max(Math.ceil(((count - this.#tokens) * 1000) / this.#perSecond), 1)
  }
}
