import { BYTE, isAt, literalEnd, plainEnd, readNumber, textEnd, valueEnd } from '../json-bytes'
import { isSame, WordBytes } from '../word-bytes'
import { hashOf, KEY, KEY_NAMES } from './known-keys'
import type { HeadMeaning, LineMemory } from './line-memory'
import type { MetKey, Trail } from './met-keys'
import { MAX_PAIR_BYTES, type ProtobufWriter } from './protobuf'
import type { Fields } from './record'

const ATTRIBUTE = 6
const BODY = 5
const MAX_DEPTH = 16
/* Of objects in values, in all that are open at once. */
const MAX_KEYS = 128
/* So many keys of a line are expected to come again. */
const MAX_TRAIL = 64
const TRACE_ID_DIGITS = 32
const SPAN_ID_DIGITS = 16
/* Values of lower case hexadecimal digits; more than a byte for all other bytes. */
const NO_DIGIT = 0x100
const DIGITS: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  const at = '0123456789abcdef'.indexOf(String.fromCharCode(byte))
  return at === -1 ? NO_DIGIT : at
})
const TIME: Uint8Array = Buffer.from('{"time":')
/* What is the same for all lines of a statement, behind the time, which is different on each. */
const IN_HEADS: number = [
  ...[KEY.time, KEY.level, KEY.logger, KEY.name, KEY.msg],
  ...[KEY.service, KEY.instance, KEY.host, KEY.hostname, KEY.pid, KEY.thread],
].reduce((bits, key) => bits | (1 << key), 0)
const ATTRIBUTES: number = (1 << KEY.other) | (1 << KEY.rate) | (1 << KEY.replayed)
const ORDER: number = (1 << KEY.hlc) | (1 << KEY.seq)

/**
 * Reads one line from its bytes, and writes what becomes of its keys as they come: body, ids and attributes of a record. What they say of the process
 * and the logger is found at `placeOf`.
 *
 * It takes what our layouts write, and most of what others do; what it does not take, it says so, and what it wrote until then is to be cut off.
 */
export class LineScanner {
  /** Milliseconds since the epoch. */
  time = 0
  /** The values of keys that are rare; undefined if there are none. */
  rare: Record<string, unknown> | undefined
  /** What is known of the head, the same object for the same bytes; undefined if it was read. */
  head: HeadMeaning | undefined
  readonly #out: ProtobufWriter
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /* A bit for each key that is an attribute and nothing else. */
  readonly #attributes: number
  readonly #memory: LineMemory
  readonly #hashes = new Int32Array(MAX_KEYS)
  readonly #found = { value: 0 }
  readonly #id = new Uint8Array(TRACE_ID_DIGITS / 2)
  /* Where the values of known keys are: from and to, by `KEY`; right for those that were seen. */
  readonly #places: Int32Array = new Int32Array(2 * KEY_NAMES.length)
  /* A bit for each known key, and one for all others. */
  #seen = 0
  #line = 0
  /* The keys that are expected next, and how many of them were there. */
  #expected: MetKey[] = []
  #step = 0
  #headAt = 0
  /* The last line that began with its time: where, up to the comma behind it, and what it was. */
  #timeFrom = 0
  #timeLength = 0
  #firstTime = 0

  constructor(bytes: Uint8Array, out: ProtobufWriter, memory: LineMemory, ordering: boolean) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#out = out
    this.#memory = memory
    this.#attributes = ATTRIBUTES | (ordering ? ORDER : 0)
  }

  /** Whether all of the line from `start` to `end` is read, written and right. */
  read(start: number, end: number): boolean {
    const bytes = this.#bytes
    const { keys, trail } = this.#memory
    this.#seen = 0
    this.#line = keys.beginLine()
    this.#follow(trail)
    this.rare = undefined
    this.head = undefined
    const last = end - 2
    if (bytes[start] !== BYTE.openObject || bytes[last] !== BYTE.closeObject || bytes[end - 1] !== BYTE.lineBreak) return false
    let at = start
    const timeEnd = this.#timeEnd(start, last)
    if (timeEnd !== -1) {
      this.#seen = 1 << KEY.time
      at = timeEnd
      if (bytes[at] === BYTE.comma) at = this.#readHead(at, last)
    }
    while (at !== -1 && at < last) at = bytes[at] === BYTE.comma || at === start ? this.#member(at) : -1
    return at === last && (this.#seen & (1 << KEY.time)) !== 0
  }

  /** Whether the head says all that the line says of the process and the logger. */
  get isHeadAll(): boolean {
    return this.head !== undefined && (this.#seen & IN_HEADS & ~(this.head.seen | (1 << KEY.time))) === 0
  }

  /** Where the value of a key that was seen is: from, and after it; twice 0 for a key that was not. */
  placeOf(key: number): readonly [number, number] {
    if ((this.#seen & (1 << key)) === 0) return [0, 0]
    const places = this.head !== undefined && (this.head.seen & (1 << key)) !== 0 ? this.head.places : this.#places
    const from = places === this.#places ? 0 : this.#headAt
    return [(places[2 * key] as number) + from, (places[2 * key + 1] as number) + from]
  }

  /* The place behind the time, if the line begins with it, or -1. Many lines have that of the line before. */
  #timeEnd(start: number, last: number): number {
    const length = this.#timeLength
    if (length > 0 && start + length < last && isSame(this.#view, this.#timeFrom, start, length)) {
      this.time = this.#firstTime
      return start + length - 1
    }
    if (!isAt(this.#bytes, start, TIME)) return -1
    const end = this.#timeAt(start + TIME.length)
    this.#timeFrom = start
    this.#firstTime = this.time
    this.#timeLength = this.#bytes[end] === BYTE.comma ? end + 1 - start : 0
    return end
  }

  #follow(trail: Trail): void {
    this.#expected = this.#memory.keys.follow(trail)
    this.#step = 0
  }

  /* From the comma after the time to that after the last key that is the same for all lines of a statement. */
  #readHead(from: number, last: number): number {
    const { heads, keys } = this.#memory
    const known = heads.find(this.#view, from, last)
    if (known !== undefined) {
      this.head = known
      this.#headAt = from
      this.#seen |= known.seen
      this.#out.encoded(known.record)
      this.#follow(known.trail)
      return from + heads.length
    }
    const before = this.#seen
    const written = this.#out.length
    let [to, at, seen, length] = [from, from, before, written]
    while (this.#bytes[at] === BYTE.comma) {
      at = this.#member(at)
      if (at === -1 || (this.#seen & ~IN_HEADS) !== 0) break
      to = at
      seen = this.#seen
      length = this.#out.length
    }
    if (length - written < WordBytes.MIN_LENGTH) return at
    heads.learn(this.#view, from, to, last, () => ({
      record: new WordBytes(this.#out.written.subarray(written, length)),
      seen: seen & ~before,
      trail: keys.newTrail(),
      places: this.#places.map((place) => place - from),
    }))
    return at
  }

  /* A key and its value, after the byte at `at`; the place behind them, or -1. */
  #member(at: number): number {
    const met = this.#keyAt(at)
    // Of a key that is there twice the last one counts, so it takes a look at the whole.
    if (met === undefined || met.line === this.#line) return -1
    met.line = this.#line
    const value = at + met.onLine.length
    const bit = 1 << met.key
    if ((this.#attributes & bit) === 0) return (this.#seen & bit) === 0 ? this.#known(met, value) : -1
    this.#seen |= bit
    return this.#attribute(met, value)
  }

  #keyAt(at: number): MetKey | undefined {
    const step = this.#step++
    const expected = this.#expected[step]
    if (expected !== undefined && at + expected.onLine.length <= this.#bytes.length && expected.onLine.isAt(this.#view, at)) {
      return expected
    }
    const met = this.#memory.keys.find(this.#bytes, at)
    if (met !== undefined && step < MAX_TRAIL) this.#expected[step] = met
    return met
  }

  #isKnownAmong(from: number, to: number, hash: number): boolean {
    const hashes = this.#hashes
    for (let i = from; i < to; i++) if (hashes[i] === hash) return true
    return false
  }

  /* The members of an object in a value, up to its closing bracket; -1 if they are not understood. `base` is how many keys of open objects are known. */
  #members(from: number, depth: number, base: number): number {
    const bytes = this.#bytes
    if (bytes[from] === BYTE.closeObject) return from
    let count = base
    for (let at = from; ; at++) {
      if (bytes[at] !== BYTE.quote || count === this.#hashes.length) return -1
      const to = plainEnd(bytes, at + 1)
      if (bytes[to] !== BYTE.quote || bytes[to + 1] !== BYTE.colon) return -1
      const hash = hashOf(bytes, at + 1, to)
      if (this.#isKnownAmong(base, count, hash)) return -1
      this.#hashes[count++] = hash
      at = this.#pair(1, bytes, at + 1, to, to + 2, depth, count)
      if (at === -1 || bytes[at] === BYTE.closeObject) return at
      if (bytes[at] !== BYTE.comma) return -1
    }
  }

  #known(met: MetKey, at: number): number {
    const { key } = met
    this.#seen |= 1 << key
    switch (key) {
      case KEY.time:
        return this.#timeAt(at)
      case KEY.msg:
        return this.#value(BODY, at, 0, 0)
      case KEY.traceId:
        return this.#idAt(9, TRACE_ID_DIGITS, at)
      case KEY.spanId:
        return this.#idAt(10, SPAN_ID_DIGITS, at)
      case KEY.hlc:
      case KEY.seq:
        return valueEnd(this.#bytes, at)
      case KEY.name:
        this.#place(key, at)
        return this.#attribute(met, at)
      case KEY.err:
      case KEY.caller:
      case KEY.severityText:
      case KEY.eventName:
      case KEY.span:
      case KEY.parentSpanId:
        return this.#rareAt(key, at)
      default:
        return this.#place(key, at)
    }
  }

  #timeAt(at: number): number {
    const end = readNumber(this.#bytes, at, this.#found)
    if (end !== -1) this.time = this.#found.value
    return end
  }

  #place(key: number, at: number): number {
    const end = valueEnd(this.#bytes, at)
    this.#places[2 * key] = at
    this.#places[2 * key + 1] = end
    return end
  }

  #rareAt(key: number, at: number): number {
    const end = valueEnd(this.#bytes, at)
    if (end === -1) return -1
    this.rare ??= {}
    this.rare[KEY_NAMES[key] as string] = parsed(this.#bytes, at, end)
    return end
  }

  /* An id is as many digits as it has, and not all of them are 0. */
  #idAt(field: number, digits: number, at: number): number {
    const bytes = this.#bytes
    const id = this.#id
    if (bytes[at] !== BYTE.quote || bytes[at + digits + 1] !== BYTE.quote) return -1
    let set = 0
    for (let i = 0; i < digits; i += 2) {
      const high = DIGITS[bytes[at + 1 + i] as number] as number
      const byte = (high << 4) | (DIGITS[bytes[at + 2 + i] as number] as number)
      if (byte > 255) return -1
      set |= byte
      id[i >> 1] = byte
    }
    if (set === 0) return -1
    this.#out.utf8(field, id, 0, digits >> 1)
    return at + digits + 2
  }

  /* The attribute of that key; the place behind its value, or -1. */
  #attribute({ name, head }: MetKey, at: number): number {
    if (head !== undefined) {
      const end = this.#bytes[at] === BYTE.quote ? this.#shortText(head, name, at) : this.#number(head, at)
      if (end !== -1) return end
    }
    return this.#pair(ATTRIBUTE, name, 0, name.length, at, 0, 0)
  }

  #shortText(head: WordBytes, name: Uint8Array, at: number): number {
    const bytes = this.#bytes
    const end = plainEnd(bytes, at + 1)
    if (bytes[end] !== BYTE.quote || name.length + end - at - 1 > MAX_PAIR_BYTES) return -1
    this.#out.textPair(head, this.#view, at + 1, end)
    return end + 1
  }

  #number(head: WordBytes, at: number): number {
    const end = readNumber(this.#bytes, at, this.#found)
    if (end === -1) return -1
    const { value } = this.#found
    if (!Number.isSafeInteger(value)) this.#out.doublePair(head, value)
    else if (value >= 0) this.#out.countPair(head, value)
    else return -1
    return end
  }

  /* A `KeyValue` of any kind. */
  #pair(field: number, names: Uint8Array, from: number, to: number, at: number, depth: number, count: number): number {
    const out = this.#out
    const pair = out.begin(field)
    out.utf8(1, names, from, to)
    const end = this.#value(2, at, depth, count)
    out.end(pair)
    return end
  }

  /* An `AnyValue`; the place behind it, or -1. */
  #value(field: number, at: number, depth: number, count: number): number {
    const out = this.#out
    const value = out.begin(field)
    const end = this.#content(at, depth, count)
    out.end(value)
    return end
  }

  #content(at: number, depth: number, count: number): number {
    const bytes = this.#bytes
    const byte = bytes[at] as number
    if (byte === BYTE.quote) return this.#text(at)
    if (byte === BYTE.openArray || byte === BYTE.openObject) return depth === MAX_DEPTH ? -1 : this.#nested(at, depth + 1, count)
    const end = readNumber(bytes, at, this.#found)
    if (end === -1) return this.#literal(at)
    this.#out.number(this.#found.value)
    return end
  }

  #text(at: number): number {
    const bytes = this.#bytes
    const plain = plainEnd(bytes, at + 1)
    if (bytes[plain] === BYTE.quote) {
      this.#out.utf8(1, bytes, at + 1, plain)
      return plain + 1
    }
    const end = textEnd(bytes, plain)
    if (end === -1) return -1
    this.#out.text(1, parsed(bytes, at, end + 1) as string)
    return end + 1
  }

  #literal(at: number): number {
    const end = literalEnd(this.#bytes, at)
    // `true` and `null` are of one length; null is the empty value.
    if (end !== -1 && this.#bytes[at] !== 0x6e) this.#out.bool(2, end - at === 4)
    return end
  }

  #nested(at: number, depth: number, count: number): number {
    const out = this.#out
    const isObject = this.#bytes[at] === BYTE.openObject
    const list = out.begin(isObject ? 6 : 5)
    const close = isObject ? this.#members(at + 1, depth, count) : this.#items(at + 1, depth, count)
    out.end(list)
    return close === -1 ? -1 : close + 1
  }

  #items(from: number, depth: number, count: number): number {
    const bytes = this.#bytes
    if (bytes[from] === BYTE.closeArray) return from
    for (let at = from; ; at++) {
      at = this.#value(1, at, depth, count)
      if (at === -1 || bytes[at] === BYTE.closeArray) return at
      if (bytes[at] !== BYTE.comma) return -1
    }
  }
}

/** The value from `from` to `to`, as an object of JavaScript. */
export function parsed(bytes: Uint8Array, from: number, to: number): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString()) as Fields
}
