const WORD_BYTES = 4

/** Bytes that stay as they are, four or more, to be compared and copied often: four at a time, the last four once more if some are left. */
export class WordBytes {
  /** How few there may be. */
  static readonly MIN_LENGTH: number = WORD_BYTES
  /** How many there are. */
  readonly length: number
  readonly #words: Int32Array
  readonly #tail: number

  /** Takes a copy of `bytes`. */
  constructor(bytes: Uint8Array) {
    const { length } = bytes
    const view = new DataView(bytes.buffer, bytes.byteOffset, length)
    this.length = length
    this.#words = Int32Array.from({ length: Math.floor(length / WORD_BYTES) }, (_, i) => view.getInt32(i * WORD_BYTES, true))
    this.#tail = view.getInt32(length - WORD_BYTES, true)
  }

  /** Whether they are at `at`. There must be as many bytes. */
  isAt(view: DataView, at: number): boolean {
    const words = this.#words
    let from = at
    for (let i = 0; i < words.length; i++, from += WORD_BYTES) if (view.getInt32(from, true) !== words[i]) return false
    return view.getInt32(at + this.length - WORD_BYTES, true) === this.#tail
  }

  /** Writes them to `at`. There must be room. */
  copyTo(view: DataView, at: number): void {
    const words = this.#words
    let to = at
    for (let i = 0; i < words.length; i++, to += WORD_BYTES) view.setInt32(to, words[i] as number, true)
    view.setInt32(at + this.length - WORD_BYTES, this.#tail, true)
  }
}

/** Copies what is from `from` to `to` in `source` to `at` in `target`, four bytes at a time. There must be room. */
export function copyWords(source: DataView, from: number, to: number, target: DataView, at: number): void {
  let i = from
  let out = at
  for (; i + WORD_BYTES <= to; i += WORD_BYTES, out += WORD_BYTES) target.setInt32(out, source.getInt32(i, true), true)
  for (; i < to; i++, out++) target.setUint8(out, source.getUint8(i))
}

/** Whether the same `length` bytes are at `one` and at `other`. */
export function isSame(view: DataView, one: number, other: number, length: number): boolean {
  let i = 0
  for (; i + WORD_BYTES <= length; i += WORD_BYTES)
    if (view.getInt32(one + i, true) !== view.getInt32(other + i, true)) return false
  for (; i < length; i++) if (view.getUint8(one + i) !== view.getUint8(other + i)) return false
  return true
}
