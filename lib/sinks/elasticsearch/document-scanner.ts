import { BYTE, isAt, plainEnd, readNumber, valueEnd } from '../json-bytes'
import { LineHeads } from '../line-heads'

/* The longest whole number whose digits are as JavaScript writes it. */
const MAX_DIGITS = 15
const ZERO = 0x30
const KEYS = ['@timestamp', 'time', 'instance', 'seq', 'tracelane.instance', 'tracelane.seq'] as const
const NAMES: readonly Uint8Array[] = KEYS.map((key) => Buffer.from(key))
/* By its length, which tells them apart, the number of a key; and that of none. */
const NONE = -1
const BY_LENGTH: Int8Array = new Int8Array(Math.max(...KEYS.map((key) => key.length)) + 1).fill(NONE)
KEYS.forEach((key, i) => {
  BY_LENGTH[key.length] = i
})
const [DATED, TIME, INSTANCE, SEQ, ECS_INSTANCE, ECS_SEQ] = [0, 1, 2, 3, 4, 5]

/** What a head says: the keys in it, and where its instance is from its beginning. */
interface HeadMeaning {
  readonly seen: number
  readonly from: number
  readonly to: number
}

/** Reads from the bytes of a line what a document needs to be told: when it was, whether it says so in `@timestamp`, and its name. */
export class DocumentScanner {
  /** Where `@timestamp` is, without quotation marks; nowhere if to is 0. */
  datedFrom = 0
  datedTo = 0
  /** Milliseconds since the epoch; NaN if it does not say. */
  time = Number.NaN
  /** Where the instance is, without quotation marks, and the number; nowhere if to is 0. */
  instanceFrom = 0
  instanceTo = 0
  seqFrom = 0
  seqTo = 0
  readonly #heads = new LineHeads<HeadMeaning>()
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  readonly #number = { value: 0 }
  #seen = 0

  /** The lines that are read from now on. */
  begin(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Whether the line from `start` to `end` is read and understood. */
  read(start: number, end: number): boolean {
    const bytes = this.#bytes
    const last = end - 2
    if (bytes[start] !== BYTE.openObject || bytes[last] !== BYTE.closeObject || bytes[end - 1] !== BYTE.lineBreak) return false
    this.#seen = this.datedFrom = this.datedTo = this.instanceFrom = this.instanceTo = this.seqFrom = this.seqTo = 0
    this.time = Number.NaN
    let at = this.#member(start)
    // When it was comes first, and the rest of the head is the same for all lines of a statement.
    if (at !== -1 && (this.#seen & ((1 << DATED) | (1 << TIME))) !== 0) at = this.#readHead(at, last)
    while (at !== -1 && at < last) at = bytes[at] === BYTE.comma ? this.#member(at) : -1
    return at === last
  }

  #readHead(from: number, last: number): number {
    const known = this.#heads.find(this.#view, from, last)
    if (known !== undefined) {
      this.#seen |= known.seen
      if (known.to > 0) {
        this.instanceFrom = from + known.from
        this.instanceTo = from + known.to
      }
      return from + this.#heads.length
    }
    const before = this.#seen
    let [at, to, seen] = [from, from, before]
    while (this.#bytes[at] === BYTE.comma && !this.#isVarying(at)) {
      at = this.#member(at)
      if (at === -1 || (this.#seen & ~(before | (1 << INSTANCE))) !== 0) return at
      to = at
      seen = this.#seen
    }
    const place = this.instanceTo === 0 ? { from: 0, to: 0 } : { from: this.instanceFrom - from, to: this.instanceTo - from }
    this.#heads.learn(this.#view, from, to, last, () => ({ seen: seen & ~before, ...place }))
    return at
  }

  /* Whether the key behind this comma is that of ids or of a clock, which are others on each line. */
  #isVarying(at: number): boolean {
    return VARYING.some((name) => isAt(this.#bytes, at + 2, name))
  }

  /* A key and its value, after the byte at `at`; the place behind them, or -1. */
  #member(at: number): number {
    const bytes = this.#bytes
    if (bytes[at + 1] !== BYTE.quote) return -1
    const from = at + 2
    const to = plainEnd(bytes, from)
    if (bytes[to] !== BYTE.quote || bytes[to + 1] !== BYTE.colon) return -1
    const key = to - from < BY_LENGTH.length ? (BY_LENGTH[to - from] as number) : NONE
    if (key === NONE || !isAt(bytes, from, NAMES[key] as Uint8Array)) return valueEnd(bytes, to + 2)
    // The last one of two counts, and one name of two.
    const twin =
      key === INSTANCE ? ECS_INSTANCE : key === ECS_INSTANCE ? INSTANCE : key === SEQ ? ECS_SEQ : key === ECS_SEQ ? SEQ : key
    if ((this.#seen & ((1 << key) | (1 << twin))) !== 0) return -1
    this.#seen |= 1 << key
    return this.#known(key, to + 2)
  }

  #known(key: number, at: number): number {
    const bytes = this.#bytes
    if (key === TIME) {
      const end = readNumber(bytes, at, this.#number)
      if (end !== -1) this.time = this.#number.value
      return end
    }
    if (key === SEQ || key === ECS_SEQ) return this.#seqAt(at)
    if (bytes[at] !== BYTE.quote) return -1
    const end = plainEnd(bytes, at + 1)
    if (bytes[end] !== BYTE.quote) return -1
    if (key === DATED) [this.datedFrom, this.datedTo] = [at + 1, end]
    else [this.instanceFrom, this.instanceTo] = [at + 1, end]
    return end + 1
  }

  #seqAt(at: number): number {
    const bytes = this.#bytes
    let end = at
    while ((bytes[end] as number) >= ZERO && (bytes[end] as number) <= ZERO + 9) end++
    const digits = end - at
    if (digits === 0 || digits > MAX_DIGITS || (digits > 1 && bytes[at] === ZERO)) return -1
    this.seqFrom = at
    this.seqTo = end
    return end
  }
}

/* The beginnings of such keys, in the layouts json and ecs. */
const VARYING: readonly Uint8Array[] = ['traceId"', 'hlc"', 'trace.id"', 'tracelane.'].map((name) => Buffer.from(name))
