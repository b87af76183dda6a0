import { copyWords, WordBytes } from '../word-bytes'

/*
 * As much of Protocol Buffers as OTLP needs (protobuf.dev/programming-guides/encoding): a field is a tag, its number and how its value lies there, and
 * the value.
 */

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
const NANOS_PER_MS = 1_000_000
const STEP_MS = 2 ** 20
/** Lengths below it have one byte. */
export const ONE_BYTE = 0x80
const SHORT = 64
/** The most bytes that a name and a text have together in a `KeyValue` all of whose lengths have one byte. */
export const MAX_PAIR_BYTES = ONE_BYTE - 7
const TWO_31 = 2 ** 31
const TWO_32 = 2 ** 32
/* A UTF-16 unit has at most three bytes in UTF-8. */
const MAX_UNIT_BYTES = 3
const MAX_VARINT_BYTES = 10

/** Writes messages into memory that grows. */
export class ProtobufWriter {
  #bytes: Buffer
  #view: DataView
  #at = 0
  #lastMs = Number.NaN
  #lowNanos = 0
  #highNanos = 0

  constructor(firstBytes = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafe(firstBytes)
    this.#view = viewOf(this.#bytes)
  }

  /** What was written; a copy. */
  finish(): Buffer {
    return Buffer.from(this.written)
  }

  /** What was written; good until more is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#at
  }

  /** How many bytes there is memory for. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** Forgets what was written after the first `length` bytes. */
  cut(length: number): void {
    this.#at = length
  }

  /**
   * Begins a field whose value is a message; what is written until `end` gets the returned place is that. `room` is how many bytes its length will take; what
   * is of another length is moved.
   */
  begin(field: number, room: 1 | 2 = 1): number {
    this.#tag(field, BYTES)
    this.#at += room
    return this.#at
  }

  /** Ends the message that begins at `from`, with the same `room`. */
  end(from: number, room: 1 | 2 = 1): void {
    const length = this.#at - from
    const sizeBytes = length < ONE_BYTE ? 1 : varintBytes(length)
    if (sizeBytes !== room) {
      this.#reserve(sizeBytes)
      this.#bytes.copyWithin(from - room + sizeBytes, from, this.#at)
    }
    this.#at = from - room
    this.#varint(length)
    this.#at += length
  }

  /** The beginning of a field of so many bytes, which are written next. */
  head(field: number, length: number): void {
    this.#tag(field, BYTES)
    this.#varint(length)
  }

  /** Some of other bytes, as they are. */
  raw(source: Uint8Array, from = 0, to = source.length): void {
    this.#reserve(to - from)
    this.#copy(source, from, to)
  }

  /** A text that is there in UTF-8. */
  utf8(field: number, source: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from + 2 * MAX_VARINT_BYTES)
    this.#varint((field << 3) | BYTES)
    this.#varint(to - from)
    this.#copy(source, from, to)
  }

  text(field: number, text: string): void {
    this.#reserve(text.length * MAX_UNIT_BYTES + 2 * MAX_VARINT_BYTES)
    this.#varint((field << 3) | BYTES)
    if (this.#short(text)) return
    this.#varint(Buffer.byteLength(text))
    this.#at += this.#bytes.write(text, this.#at)
  }

  bytes(field: number, value: Uint8Array): void {
    this.#reserve(value.length + 2 * MAX_VARINT_BYTES)
    this.#tag(field, BYTES)
    this.#varint(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** Bytes given as hexadecimal digits. */
  hex(field: number, digits: string): void {
    this.#reserve(digits.length + 2 * MAX_VARINT_BYTES)
    this.#tag(field, BYTES)
    this.#varint(digits.length / 2)
    this.#at += this.#bytes.write(digits, this.#at, 'hex')
  }

  /** An integer, be it negative: as 64 bits. */
  int(field: number, value: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES)
    this.#tag(field, VARINT)
    if (value >= 0) this.#varint(value)
    else this.#bigVarint(BigInt.asUintN(64, BigInt(value)))
  }

  bool(field: number, value: boolean): void {
    this.int(field, value ? 1 : 0)
  }

  double(field: number, value: number): void {
    this.#tag(field, FIXED64)
    this.#reserve(8)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  /** The content of an `AnyValue` that is a number. */
  number(value: number): void {
    if (Number.isSafeInteger(value)) this.int(3, value)
    else this.double(4, value)
  }

  /** Milliseconds as fixed nanoseconds. */
  nanos(field: number, ms: number): void {
    this.#tag(field, FIXED64)
    this.#reserve(8)
    if (ms !== this.#lastMs) this.#setNanos(ms)
    this.#view.setInt32(this.#at, this.#lowNanos, true)
    this.#view.setInt32(this.#at + 4, this.#highNanos, true)
    this.#at += 8
  }

  /** The beginning of a `KeyValue`: all up to its value, but for the two lengths, which are known later and have one byte each. */
  static pairHead(field: number, name: Uint8Array): WordBytes {
    const head = [(field << 3) | BYTES, 0, (1 << 3) | BYTES, name.length, ...name, (2 << 3) | BYTES, 0]
    return new WordBytes(Uint8Array.from(head))
  }

  /** What was encoded before, as it is. */
  encoded(bytes: WordBytes): void {
    this.#reserve(bytes.length)
    bytes.copyTo(this.#view, this.#at)
    this.#at += bytes.length
  }

  /** A `KeyValue` whose value is a text, there in UTF-8. `head` is what `pairHead` has made; all is at most 127 bytes. */
  textPair(head: WordBytes, source: DataView, from: number, to: number): void {
    const length = to - from
    this.#pairHead(head, length + 2)
    this.#bytes[this.#at++] = (1 << 3) | BYTES
    this.#bytes[this.#at++] = length
    copyWords(source, from, to, this.#view, this.#at)
    this.#at += length
  }

  /** A `KeyValue` whose value is a whole number from 0 to 2^53 - 1. */
  countPair(head: WordBytes, value: number): void {
    this.#pairHead(head, 1 + varintBytes(value))
    this.#bytes[this.#at++] = (3 << 3) | VARINT
    this.#varint(value)
  }

  /** A `KeyValue` whose value is a double. */
  doublePair(head: WordBytes, value: number): void {
    this.#pairHead(head, 9)
    this.#bytes[this.#at++] = (4 << 3) | FIXED64
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  /* Up to the content of the value, which has so many bytes. */
  #pairHead(head: WordBytes, valueBytes: number): void {
    this.#reserve(head.length + valueBytes + MAX_VARINT_BYTES)
    const at = this.#at
    const end = at + head.length
    head.copyTo(this.#view, at)
    this.#bytes[at + 1] = head.length - 2 + valueBytes
    this.#bytes[end - 1] = valueBytes
    this.#at = end
  }

  #setNanos(ms: number): void {
    // Whole numbers only, none of more than 53 bits: 2^20 milliseconds at a time.
    const whole = Math.max(Math.floor(ms), 0)
    const steps = Math.floor(whole / STEP_MS) * NANOS_PER_MS
    const rest = (whole % STEP_MS) * NANOS_PER_MS + Math.max(Math.round((ms - whole) * NANOS_PER_MS), 0)
    const low = (steps % (TWO_32 / STEP_MS)) * STEP_MS + rest
    this.#lastMs = ms
    this.#lowNanos = (low % TWO_32) | 0
    this.#highNanos = (Math.floor(steps / (TWO_32 / STEP_MS)) + Math.floor(low / TWO_32)) | 0
  }

  /* A few bytes are faster copied here than by a call out of JavaScript. */
  #copy(source: Uint8Array, from: number, to: number): void {
    const bytes = this.#bytes
    const at = this.#at
    const length = to - from
    if (length > SHORT) bytes.set(source.subarray(from, to), at)
    else for (let i = 0; i < length; i++) bytes[at + i] = source[from + i] as number
    this.#at = at + length
  }

  /* Texts of few characters, all of them ASCII: faster than a call out of JavaScript. Their length has one byte. */
  #short(text: string): boolean {
    const { length } = text
    if (length > SHORT) return false
    const bytes = this.#bytes
    const from = this.#at
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[from + 1 + i] = code
    }
    bytes[from] = length
    this.#at = from + 1 + length
    return true
  }

  #tag(field: number, wire: number): void {
    this.#reserve(2 * MAX_VARINT_BYTES)
    this.#varint((field << 3) | wire)
  }

  #varint(value: number): void {
    if (value < ONE_BYTE) {
      this.#bytes[this.#at++] = value
      return
    }
    let rest = value
    for (; rest >= TWO_31; rest = Math.floor(rest / 0x80)) this.#bytes[this.#at++] = (rest % 0x80) | 0x80
    for (; rest > 0x7f; rest >>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
    this.#bytes[this.#at++] = rest
  }

  #bigVarint(value: bigint): void {
    let rest = value
    while (rest > 0x7fn) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#bytes[this.#at++] = Number(rest)
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe((this.#at + bytes) * 2)
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
    this.#view = viewOf(grown)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Nanoseconds since the epoch, of milliseconds with fractions. */
export function nanosOf(ms: number): bigint {
  const whole = Math.max(Math.floor(ms), 0)
  return BigInt(whole) * BigInt(NANOS_PER_MS) + BigInt(Math.max(Math.round((ms - whole) * 1e6), 0))
}

/** The fields of a message, for answers, which are small: numbers and bytes by field; undefined for what is no message. */
export function readMessage(bytes: Uint8Array): Map<number, number | Uint8Array> | undefined {
  const fields = new Map<number, number | Uint8Array>()
  return eachField(bytes, (field, value) => fields.set(field, value)) ? fields : undefined
}

/** As `readMessage`, with all values of a field that is repeated, in order. */
export function readRepeated(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> | undefined {
  const fields = new Map<number, (number | Uint8Array)[]>()
  const isMessage = eachField(bytes, (field, value) => {
    const known = fields.get(field)
    if (known === undefined) fields.set(field, [value])
    else known.push(value)
  })
  return isMessage ? fields : undefined
}

/* False for what is no message. */
function eachField(bytes: Uint8Array, take: (field: number, value: number | Uint8Array) => unknown): boolean {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; at < bytes.length && scale < TWO_32 * TWO_32; scale *= 0x80) {
      const byte = bytes[at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const tag = varint()
    const wire = tag % 8
    const length = wire === BYTES ? varint() : wire === FIXED64 ? 8 : wire === FIXED32 ? 4 : 0
    if (Number.isNaN(tag) || Number.isNaN(length) || at + length > bytes.length) return false
    if (wire === VARINT) take(Math.floor(tag / 8), varint())
    else if (wire === BYTES) take(Math.floor(tag / 8), bytes.subarray(at, at + length))
    else if (wire !== FIXED64 && wire !== FIXED32) return false
    at += length
  }
  return true
}

/** How many bytes a whole number that is not negative takes. */
export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
