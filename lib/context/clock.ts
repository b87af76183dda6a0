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
const MS_DIGITS = 12
const DIGITS = 16

/** How far a remote clock may be ahead of ours before it is ignored, in milliseconds. */
export const MAX_CLOCK_DRIFT_MS = 3_600_000

/** A hybrid logical clock that only moves forward. */
export class HybridClock {
  #ms = 0
  #counter = 0

  /** True for text that is a clock: 16 lower hex digits. */
  static isClock(text: string): boolean {
    return text.length === DIGITS && hexNumber(text, 0, DIGITS) !== -1
  }

  /** Moves the clock for a local event or a send at wall time `now` (ms since epoch), and returns it as 16 hex digits. */
  tick(now: number): string {
    if (now > this.#ms) this.#set(now, 0)
    else this.#set(this.#ms, this.#counter + 1)
    const text = this.toString()
    reading.text = text
    reading.ms = this.#ms
    reading.counter = this.#counter
    return text
  }

  /**
   * Moves the clock for a send and returns it as 16 hex digits, without asking the machine for the time if the clock has one already: what
   * is sent must be later than what was before it, no more, and the receiver has a clock of its own.
   */
  send(): string {
    return this.tick(this.#ms === 0 ? Date.now() : 0)
  }

  /**
   * Moves the clock past `remote` (16 lower hex digits) at wall time `now`.
   *
   * Returns false, and leaves the clock alone, for text that is no clock or is more than `maxDriftMs` ahead of `now`.
   */
  receive(remote: string, now: number, maxDriftMs: number = MAX_CLOCK_DRIFT_MS): boolean {
    const ms = hexNumber(remote, 0, MS_DIGITS)
    const counter = hexNumber(remote, MS_DIGITS, DIGITS)
    if (remote.length !== DIGITS || ms === -1 || counter === -1 || ms > now + maxDriftMs) return false
    if (now > ms && now > this.#ms) this.#set(now, 0)
    else if (ms > this.#ms) this.#set(ms, counter + 1)
    else if (ms === this.#ms) this.#set(ms, Math.max(counter, this.#counter) + 1)
    else this.#set(this.#ms, this.#counter + 1)
    return true
  }

  /** The clock as it stands: 16 lower hex digits. */
  toString(): string {
    return msText(this.#ms) + counterText(this.#counter)
  }

  #set(ms: number, counter: number): void {
    const carried = counter > MAX_COUNTER ? ms + 1 : ms
    this.#counter = counter > MAX_COUNTER ? 0 : counter
    if (carried !== this.#ms) this.#ms = Math.min(carried, MAX_MS)
  }
}

/* Requests that come in the same millisecond share its text. */
let lastMs = 0
let lastMsText = '000000000000'

function msText(ms: number): string {
  if (ms === lastMs) return lastMsText
  lastMs = ms
  lastMsText = ms.toString(16).padStart(MS_DIGITS, '0')
  return lastMsText
}

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
/* Few traces have more than 256 events and calls in one millisecond. */
const SMALL_COUNTERS: readonly string[] = BYTES.map((byte) => `00${byte}`)

function counterText(counter: number): string {
  return SMALL_COUNTERS[counter] ?? `${BYTES[counter >> 8]}${BYTES[counter & 0xff]}`
}

/* The number that the lower hex digits from `from` to before `to` make, or -1. Faster than a pattern and `parseInt`. */
function hexNumber(text: string, from: number, to: number): number {
  let value = 0
  let characters = 0
  let digits = 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    const digit = HEX[code & 0xff] as number
    characters |= code
    digits |= digit
    value = value * 16 + digit
  }
  return digits > LARGEST || characters > 0xff ? -1 : value
}

/* The value of each lower hex digit by its character; whatever is none has a bit that no digit has. */
const LARGEST = 0xf
const HEX = new Uint8Array(0x100).fill(LARGEST + 1)
for (let digit = 0; digit <= LARGEST; digit++) HEX[digit.toString(16).charCodeAt(0)] = digit

/** A clock's text as numbers. */
export interface ClockReading {
  text: string
  ms: number
  counter: number
}

/* What was ticked last is most often what is read next, so that it need not be read. */
const reading: ClockReading = { text: '', ms: 0, counter: 0 }

/** The numbers of a clock, good until the next call or tick; undefined for text that is no clock. */
export function readClock(text: string): Readonly<ClockReading> | undefined {
  if (text === reading.text) return reading
  if (!HybridClock.isClock(text)) return undefined
  reading.text = text
  reading.ms = hexNumber(text, 0, MS_DIGITS)
  reading.counter = hexNumber(text, MS_DIGITS, DIGITS)
  return reading
}

/** The larger of two clocks as text; a missing one loses. */
export function laterClock(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a > b ? a : b
}

/** The clock of events outside any trace. It never learns from the network. */
export const processClock: HybridClock = processWide('clock.1', () => new HybridClock())
