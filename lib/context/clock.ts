import { processWide } from '../internal/runtime'

/*
 * Hybrid logical clock (Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014), one per trace.
 *
 *   48 bits milliseconds | 16 bits counter      written as 16 hex digits, so that text order is clock order
 *
 *   local event or send:  ms' = max(ms, now);          counter = grew ? 0 : counter + 1
 *   receive (m, c):       ms' = max(ms, m, now);       counter = 0, own + 1, c + 1 or max + 1 by whichever ms won
 *
 * The state belongs to a trace, never to the process: a hostile caller can push forward the clock of its own trace only.
 */

const MAX_COUNTER = 0xffff
const MAX_MS = 2 ** 48 - 1
const CLOCK = /^[0-9a-f]{16}$/

/** How far a remote clock may be ahead of ours before it is ignored, in milliseconds. */
export const MAX_CLOCK_DRIFT_MS = 3_600_000

/** A hybrid logical clock that only moves forward. */
export class HybridClock {
  #ms = 0
  #counter = 0
  #prefix = '000000000000'

  /** True for text that is a clock: 16 lower hex digits. */
  static isClock(text: string): boolean {
    return CLOCK.test(text)
  }

  /** Moves the clock for a local event or a send at wall time `now` (ms since epoch), and returns it as 16 hex digits. */
  tick(now: number): string {
    if (now > this.#ms) this.#set(now, 0)
    else this.#set(this.#ms, this.#counter + 1)
    return this.toString()
  }

  /**
   * Moves the clock past `remote` (16 lower hex digits) at wall time `now`.
   *
   * Returns false, and leaves the clock alone, for text that is no clock or is more than `maxDriftMs` ahead of `now`.
   */
  receive(remote: string, now: number, maxDriftMs: number = MAX_CLOCK_DRIFT_MS): boolean {
    if (!HybridClock.isClock(remote)) return false
    const ms = Number.parseInt(remote.slice(0, 12), 16)
    const counter = Number.parseInt(remote.slice(12), 16)
    if (ms > now + maxDriftMs) return false
    if (now > ms && now > this.#ms) this.#set(now, 0)
    else if (ms > this.#ms) this.#set(ms, counter + 1)
    else if (ms === this.#ms) this.#set(ms, Math.max(counter, this.#counter) + 1)
    else this.#set(this.#ms, this.#counter + 1)
    return true
  }

  /** The clock as it stands: 16 lower hex digits. */
  toString(): string {
    const counter = this.#counter.toString(16)
    return this.#prefix + '0000'.slice(counter.length) + counter
  }

  #set(ms: number, counter: number): void {
    const carried = counter > MAX_COUNTER ? ms + 1 : ms
    this.#counter = counter > MAX_COUNTER ? 0 : counter
    if (carried === this.#ms) return
    this.#ms = Math.min(carried, MAX_MS)
    this.#prefix = this.#ms.toString(16).padStart(12, '0')
  }
}

/** The larger of two clocks as text; a missing one loses. */
export function laterClock(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}

/** The clock of events outside any trace. It never learns from the network. */
export const processClock: HybridClock = processWide('clock.1', () => new HybridClock())
