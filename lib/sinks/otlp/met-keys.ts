import { BYTE, isAt, STOPS } from '../json-bytes'
import { WordBytes } from '../word-bytes'
import { hashWith, KEY, KEY_NAMES, keyOf, NO_BYTES } from './known-keys'
import { ProtobufWriter } from './protobuf'

const ATTRIBUTE = 6
/* Beyond it a line begins with none; lines whose keys are data would have any number of them. */
const MAX_KEPT = 1024
const MAX_NAME_BYTES = 256
/* With more, the `KeyValue` of a number might be too long for a length of one byte. */
const MAX_HEAD_NAME_BYTES = 100
const RENAMED: ReadonlySet<number> = new Set([KEY.hlc, KEY.seq, KEY.rate, KEY.replayed])

/** A key that was met on a line. */
export interface MetKey {
  /** One of `KEY`. */
  readonly key: number
  /** Its name on the line. */
  readonly said: Uint8Array
  /** The same with comma, quotation marks and colon. */
  readonly onLine: WordBytes
  /** The name of its attribute. */
  readonly name: Uint8Array
  /** How its attribute begins, if the whole is short: up to the value, without the two lengths; see `ProtobufWriter.pairHead`. */
  readonly head: WordBytes | undefined
  /** The number of the last line that had it. */
  line: number
}

/** The keys of the last line of some kind, in order: most likely those of the next one. */
export interface Trail {
  /** Those of another era must not be used any more. */
  era: number
  readonly keys: MetKey[]
}

/** The keys that were met, from one request to the next: what need not be made again for each line. */
export class MetKeys {
  readonly #byHash = new Map<number, MetKey>()
  /* Counts up when all is forgotten. */
  #era = 0
  #line = 0

  /** Begins a line; its number. */
  beginLine(): number {
    if (this.#byHash.size > MAX_KEPT) {
      this.#byHash.clear()
      this.#era++
    }
    return ++this.#line
  }

  newTrail(): Trail {
    return { era: this.#era, keys: [] }
  }

  /** The keys of `trail`, as far as they are known still. */
  follow(trail: Trail): MetKey[] {
    if (trail.era !== this.#era) {
      trail.era = this.#era
      trail.keys.length = 0
    }
    return trail.keys
  }

  /** The key after the byte at `at`; undefined if none stands there, or one that is long or has an escape in it. */
  find(bytes: Uint8Array, at: number): MetKey | undefined {
    if (bytes[at + 1] !== BYTE.quote) return undefined
    const from = at + 2
    let hash = NO_BYTES
    let to = from
    for (let byte = bytes[to] as number; STOPS[byte] === 0; byte = bytes[++to] as number) hash = hashWith(hash, byte)
    if (bytes[to] !== BYTE.quote || bytes[to + 1] !== BYTE.colon || to - from > MAX_NAME_BYTES) return undefined
    const met = this.#byHash.get(hash)
    if (met === undefined) return this.#learn(bytes, from, to, hash)
    // Of two names with one hash the second is none of these.
    return met.said.length === to - from && isAt(bytes, from, met.said) ? met : undefined
  }

  #learn(bytes: Uint8Array, from: number, to: number, hash: number): MetKey {
    const key = keyOf(bytes, from, to, hash)
    const said = Uint8Array.from(bytes.subarray(from, to))
    const name: Uint8Array = RENAMED.has(key) ? Buffer.from(`tracelane.${KEY_NAMES[key]}`) : said
    const head = name.length > MAX_HEAD_NAME_BYTES ? undefined : ProtobufWriter.pairHead(ATTRIBUTE, name)
    const onLine = new WordBytes(Buffer.concat([Buffer.from(',"'), said, Buffer.from('":')]))
    const met = { key, said, onLine, name, head, line: 0 }
    this.#byHash.set(hash, met)
    return met
  }
}
