import { BYTE } from './json-bytes'
import { WordBytes } from './word-bytes'

const SLOTS = 256
/* Where bytes are looked at to tell heads apart: the level, the logger, the message. */
const FIRST_LOOK = 10
const LAST_LOOK = 90
const STEP = 8
const LOOK_BYTES = 4
const PRIME = 0x01000193
const MAX_BYTES = 1024
/* A head that was met is not given up for the next so many that were not. */
const CREDIT = 4

/** The beginning that many lines have in common. */
interface LineHead<T> {
  readonly bytes: WordBytes
  readonly meaning: T
  credit: number
}

/**
 * What was read of the part of lines that is the same for each line of one log statement: level, logger, message, process. Of a line in which a known one
 * stands it need not be read again, only compared, four bytes at a time. The last 256 are kept.
 */
export class LineHeads<T> {
  readonly #heads: (LineHead<T> | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)
  /** How many bytes the head has that was found. */
  length = 0

  /** What the head at `at` means, if it is known; a value is whole there. `end` is where the line ends. */
  find(view: DataView, at: number, end: number): T | undefined {
    const head = this.#heads[slotOf(view, at, end)]
    if (head === undefined) return undefined
    const { length } = head.bytes
    if (at + length > end || !head.bytes.isAt(view, at)) return undefined
    const next = view.getUint8(at + length)
    if (next !== BYTE.comma && next !== BYTE.closeObject) return undefined
    head.credit = CREDIT
    this.length = length
    return head.meaning
  }

  /** Keeps what the bytes from `at` to `to` mean. */
  learn(view: DataView, at: number, to: number, end: number, meaning: () => T): void {
    const length = to - at
    if (length < WordBytes.MIN_LENGTH || length > MAX_BYTES) return
    const slot = slotOf(view, at, end)
    const known = this.#heads[slot]
    if (known !== undefined && --known.credit >= 0) return
    const bytes = new WordBytes(new Uint8Array(view.buffer, view.byteOffset + at, length))
    this.#heads[slot] = { bytes, meaning: meaning(), credit: CREDIT }
  }
}

function slotOf(view: DataView, at: number, end: number): number {
  const to = Math.min(end, at + LAST_LOOK) - LOOK_BYTES
  let hash = 0
  for (let i = at + FIRST_LOOK; i <= to; i += STEP) hash = Math.imul(hash ^ view.getInt32(i, true), PRIME)
  return (hash ^ (hash >>> 16)) & (SLOTS - 1)
}
