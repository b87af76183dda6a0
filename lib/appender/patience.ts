import type { Flusher } from './flusher'
import type { ResolvedAppenderOptions } from './options'
import { type QueueMemory, WORD } from './ring'

/* How long a call that waits gives the flusher before it looks for itself. */
const SLICE_MS = 100
/* Whoever has the lock and gives no sign of life for so long is dead, or stuck in the kernel. */
const LIFELESS_MS = 10_000

/** What a call waits for: room in the queue, or that its event is safe. */
export type Wish = 'room' | 'safety'

/**
 * How long calls wait for the flusher of one queue, and how long they have waited.
 *
 * A wait that ended in vain is not repeated until something has moved: a destination that stands still costs one call `appendTimeoutMs`, not each.
 */
export class Patience {
  readonly #words: Int32Array
  readonly #limitMs: number
  readonly #roomLimitMs: number
  readonly #helps: boolean
  /* TAIL, WRITTEN and BEAT when a wait last ended in vain. */
  readonly #inVain = new Int32Array(3)
  #isInVain = false
  #blockedMs = 0

  constructor({ words }: QueueMemory, { overflow, appendTimeoutMs }: ResolvedAppenderOptions) {
    this.#words = words
    this.#limitMs = appendTimeoutMs
    this.#roomLimitMs = overflow === 'block' ? Infinity : appendTimeoutMs
    this.#helps = overflow !== 'discard'
  }

  /** How long calls have waited, in ms, in all. */
  get blockedMs(): number {
    return this.#blockedMs
  }

  /** Blocks this thread until `isThere`, as long as the policy allows; whether it is. */
  wait(wish: Wish, flusher: Flusher, isThere: () => boolean): boolean {
    if (isThere()) return true
    const limitMs = wish === 'room' ? this.#roomLimitMs : this.#limitMs
    if (this.#isInVain && !this.#hasMoved(limitMs === Infinity)) return false
    const start = performance.now()
    let there = false
    let alive = start
    let beat = this.#word(WORD.beat)
    while (!there) {
      const rest = Math.min(start + limitMs, alive + LIFELESS_MS) - performance.now()
      if (rest <= 0) break
      if (flusher.waitForProgress(Math.min(rest, SLICE_MS), wish === 'room' && this.#helps) === undefined) break
      there = isThere()
      if (this.#word(WORD.beat) === beat) continue
      beat = this.#word(WORD.beat)
      alive = performance.now()
    }
    this.#blockedMs += performance.now() - start
    this.#isInVain = !there
    this.#inVain.set([this.#word(WORD.tail), this.#word(WORD.written), beat])
    return there
  }

  /* Who may wait for ever does so for a flusher that tries in vain, too. */
  #hasMoved(beats: boolean): boolean {
    const [tail, written, beat] = this.#inVain
    return this.#word(WORD.tail) !== tail || this.#word(WORD.written) !== written || (beats && this.#word(WORD.beat) !== beat)
  }

  #word(index: number): number {
    return Atomics.load(this.#words, index)
  }
}
