/** Text that is written many times, in a form in which it is copied fast. */
export interface Stencil {
  readonly length: number
  readonly bytes: Uint8Array
  /* The bytes eight at a time; a moved number keeps its bits, because UTF-8 without DEL has none that make a NaN. */
  readonly words: Float64Array
}

const WORD = 8
/* From here on the call of `set` is faster than words. */
const LONG = 96
const ZERO = 0x30
const POINT = 0x2e
const MS_DIGITS = 12
const HEX: Uint8Array = Buffer.from('0123456789abcdef')
const MAX_HUNDREDTHS = 2 ** 30
/* A UTF-16 unit has at most three bytes in UTF-8. */
const MAX_UNIT_BYTES = 3

/** `text` as a stencil. */
export function stencilOf(text: string): Stencil {
  const length = Buffer.byteLength(text)
  const words = new Float64Array(Math.ceil(length / WORD))
  const bytes = new Uint8Array(words.buffer, 0, length)
  bytes.set(Buffer.from(text))
  return { length, bytes, words }
}

/**
 * Writes lines as bytes, one part after the other, into memory that it uses again. `makeRoom` makes the room for all parts of a line but what
 * comes from the records, which makes its own.
 */
export class Ink {
  readonly #kept: number
  #out: Uint8Array
  #view: DataView
  #at = 0
  #lineRoom = 0
  #records: Uint8Array = new Uint8Array(0)
  #recordsAt = 0
  #sharedFrom = 0
  #sharedTo = 0
  #shared: Uint8Array | undefined
  #time = -1
  #timeStencil = stencilOf('')
  #ms = -1
  #msStencil = stencilOf('')

  /** What is larger than `kept` bytes is given up after use. */
  constructor(kept: number) {
    this.#kept = kept
    this.#out = new Uint8Array(256 * 1024)
    this.#view = new DataView(this.#out.buffer)
  }

  begin(records: Uint8Array): void {
    if (this.#out.length > this.#kept) this.#grow(0, this.#kept)
    this.#at = 0
    this.#records = records
    this.#recordsAt = 0
    this.#sharedFrom = 0
    this.#sharedTo = 0
    this.#shared = undefined
  }

  end(): Buffer {
    this.#records = new Uint8Array(0)
    return Buffer.from(this.#out.buffer, 0, this.#at)
  }

  /** For a line of `length` bytes at most, without what comes from the records. */
  makeRoom(length: number): void {
    this.#lineRoom = length
    if (this.#at + length + WORD > this.#out.length) this.#grow(this.#at, (this.#at + length + WORD) * 2)
  }

  #grow(used: number, size: number): void {
    const grown = new Uint8Array(size)
    grown.set(this.#out.subarray(0, used))
    this.#out = grown
    this.#view = new DataView(grown.buffer)
    this.#shared = undefined
  }

  beginShared(): void {
    this.#sharedFrom = this.#at
  }

  endShared(): void {
    this.#sharedTo = this.#at
    this.#shared = undefined
  }

  /** Writes once more what was written between `beginShared` and `endShared`. */
  again(): void {
    this.#shared ??= this.#out.subarray(this.#sharedFrom, this.#sharedTo)
    this.#out.set(this.#shared, this.#at)
    this.#at += this.#shared.length
  }

  stamp({ length, bytes, words }: Stencil): void {
    const at = this.#at
    if (length > LONG) this.#out.set(bytes, at)
    else for (let i = 0, to = at; i < words.length; i++, to += WORD) this.#view.setFloat64(to, words[i] as number, true)
    this.#at = at + length
  }

  /** The next `units` UTF-16 units of the records. */
  record(units: number): void {
    const room = this.#at + units * MAX_UNIT_BYTES + this.#lineRoom + WORD
    if (room > this.#out.length) this.#grow(this.#at, room * 2)
    const from = this.#records
    const out = this.#out
    let at = this.#at
    let next = this.#recordsAt
    for (let left = units; left > 0; ) {
      const byte = from[next++] as number
      out[at++] = byte
      if (byte < 0x80) left--
      else if (byte >= 0xc0) left -= byte >= 0xf0 ? 2 : 1
      if (left === 0) {
        while (((from[next] as number) & 0xc0) === 0x80) out[at++] = from[next++] as number
      }
    }
    this.#at = at
    this.#recordsAt = next
  }

  time(time: number): void {
    if (time !== this.#time) {
      this.#time = time
      this.#timeStencil = stencilOf(String(time))
    }
    this.stamp(this.#timeStencil)
  }

  clockMs(ms: number): void {
    if (ms !== this.#ms) {
      this.#ms = ms
      this.#msStencil = stencilOf(ms.toString(16).padStart(MS_DIGITS, '0'))
    }
    this.stamp(this.#msStencil)
  }

  clockCounter(counter: number): void {
    const out = this.#out
    const at = this.#at
    out[at] = HEX[(counter >> 12) & 15] as number
    out[at + 1] = HEX[(counter >> 8) & 15] as number
    out[at + 2] = HEX[(counter >> 4) & 15] as number
    out[at + 3] = HEX[counter & 15] as number
    this.#at = at + 4
  }

  /** A number as `String` writes it. */
  integer(value: number): void {
    const whole = value | 0
    if (whole !== value) this.#text(String(value))
    else if (whole >= 0) this.#digits(whole)
    else this.#text(String(value))
  }

  /** A number as the JSON layout writes it: see `numberToJson`. */
  number(value: number): void {
    if ((value | 0) === value) {
      this.integer(value)
      return
    }
    const hundredths = value * 100
    if (value > 0 && hundredths < MAX_HUNDREDTHS) {
      const nearest = Math.round(hundredths)
      if (nearest / 100 === value) {
        this.#hundredths(nearest)
        return
      }
    }
    this.#text(Number.isFinite(value) ? String(value) : `"${value}"`)
  }

  #hundredths(nearest: number): void {
    const whole = (nearest / 100) | 0
    const rest = nearest - whole * 100
    this.#digits(whole)
    const tens = (rest / 10) | 0
    const ones = rest - tens * 10
    this.#out[this.#at] = POINT
    this.#out[this.#at + 1] = ZERO + tens
    if (ones === 0) this.#at += 2
    else {
      this.#out[this.#at + 2] = ZERO + ones
      this.#at += 3
    }
  }

  #digits(value: number): void {
    const out = this.#out
    const end = this.#at + digitsOf(value)
    let at = end
    let left = value
    while (left >= 10) {
      const tenth = (left / 10) | 0
      out[--at] = ZERO + left - tenth * 10
      left = tenth
    }
    out[--at] = ZERO + left
    this.#at = end
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#out[this.#at + i] = text.charCodeAt(i)
    this.#at += text.length
  }
}

function digitsOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4
  if (value < 100_000_000) return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8
  return value < 1_000_000_000 ? 9 : 10
}
