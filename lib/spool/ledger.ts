import { comparePositions, type SpoolPosition } from './position'

/** How much of something there was. */
export interface Tally {
  readonly records: number
  readonly events: number
  /** Of payloads; of torn and corrupt places all bytes. */
  readonly bytes: number
}

/**
 * What a ledger counts, since it was made:
 *
 * `recovered`: found unread at the opening. `spooled`: appended. `committed`: read and committed. `dropped`: removed to make room. `late`: committed
 * after it was dropped, and counted there. `refused`: not appended. `torn`: ends of segments that were not written whole; `corrupt`: damaged places
 * (`records` is the number of places, `events` those of records whose header could be read).
 */
export type TallyName = (typeof NAMES)[number]

const NAMES = ['recovered', 'spooled', 'committed', 'dropped', 'late', 'refused', 'torn', 'corrupt'] as const
const FIELDS = 3
/* Word 0: the floor; 1: bytes of all segments; 2: how many writers there were; 3: which appends; 4: the generation of the youngest cursor;
   then three words for each name. */
const FLOOR = 0
const STORED = 1
const WRITERS = 2
const APPENDER = 3
const GENERATION = 4
const TALLIES = 5
const WORDS = TALLIES + NAMES.length * FIELDS
const UNKNOWN = 0n
const OFFSET_BITS = 32n

/** All counts at one moment. */
export interface SpoolCounts extends Readonly<Record<TallyName, Tally>> {
  /** Recovered and spooled, but neither committed nor dropped yet. */
  readonly pending: Tally
  /** Bytes of all segments on the disk. */
  readonly storedBytes: number
}

/**
 * What writer and reader of one spool know of each other: shared memory, so that they may be in different threads. Every record that was recovered or
 * spooled is counted once: committed, dropped, or pending.
 *
 * The floor is the first place that is still owed. The reader moves it by committing, the writer by dropping; each with one compare-and-swap, so that
 * both know exactly which records the other one has counted.
 */
export class SpoolLedger {
  readonly #words: BigInt64Array

  /** `buffer` is that of another `SpoolLedger`, in this thread or another one. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#words = new BigInt64Array(buffer)
  }

  /** For the other threads. */
  get buffer(): SharedArrayBuffer {
    return this.#words.buffer as SharedArrayBuffer
  }

  /** The first place that is still owed; undefined until writer or reader was opened. */
  get floor(): SpoolPosition | undefined {
    const word = Atomics.load(this.#words, FLOOR)
    return word === UNKNOWN ? undefined : unpack(word)
  }

  /** Sets the floor; false if somebody has done so. */
  begin(floor: SpoolPosition): boolean {
    return Atomics.compareExchange(this.#words, FLOOR, UNKNOWN, pack(floor)) === UNKNOWN
  }

  /** Moves the floor forward to `to`, and gives where it was: what is between has been counted by nobody else. */
  raise(to: SpoolPosition): SpoolPosition {
    for (;;) {
      const word = Atomics.load(this.#words, FLOOR)
      const from = unpack(word)
      if (comparePositions(from, to) >= 0) return from
      if (Atomics.compareExchange(this.#words, FLOOR, word, pack(to)) === word) return from
    }
  }

  add(name: TallyName, { records, events, bytes }: Tally): void {
    const at = TALLIES + NAMES.indexOf(name) * FIELDS
    Atomics.add(this.#words, at, BigInt(records))
    Atomics.add(this.#words, at + 1, BigInt(events))
    Atomics.add(this.#words, at + 2, BigInt(bytes))
  }

  /** Bytes of all segments on the disk, as far as writer and reader know. */
  get stored(): number {
    return Number(Atomics.load(this.#words, STORED))
  }

  set stored(bytes: number) {
    Atomics.store(this.#words, STORED, BigInt(bytes))
  }

  /** Segments grew, or shrank by a negative number of bytes. */
  store(bytes: number): void {
    Atomics.add(this.#words, STORED, BigInt(bytes))
  }

  /** A number for a writer, from 1 on. */
  newWriter(): bigint {
    return Atomics.add(this.#words, WRITERS, 1n) + 1n
  }

  /** The number of the writer that began the last segment. */
  get appender(): bigint {
    return Atomics.load(this.#words, APPENDER)
  }

  set appender(writer: bigint) {
    Atomics.store(this.#words, APPENDER, writer)
  }

  /** A number for a cursor, above `known` and above all that readers of this ledger had. */
  newGeneration(known: number): number {
    for (;;) {
      const word = Atomics.load(this.#words, GENERATION)
      const next = BigInt(Math.max(Number(word), known) + 1)
      if (Atomics.compareExchange(this.#words, GENERATION, word, next) === word) return Number(next)
    }
  }

  counts(): SpoolCounts {
    const of = (name: TallyName): Tally => {
      const at = TALLIES + NAMES.indexOf(name) * FIELDS
      const [records, events, bytes] = [0, 1, 2].map((field) => Number(Atomics.load(this.#words, at + field)))
      return { records: records as number, events: events as number, bytes: bytes as number }
    }
    const all = Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Record<TallyName, Tally>
    const pending = sum([all.recovered, all.spooled], [all.committed, all.dropped])
    return { ...all, pending, storedBytes: this.stored }
  }
}

function sum(plus: readonly Tally[], minus: readonly Tally[]): Tally {
  const of = (field: keyof Tally): number =>
    plus.reduce((all, tally) => all + tally[field], 0) - minus.reduce((all, tally) => all + tally[field], 0)
  return { records: of('records'), events: of('events'), bytes: of('bytes') }
}

/* Segment numbers are below 2³¹ and no segment has 2³² bytes, so both fit into 63 bits; 0 is no position, because segments begin with 1. */
function pack({ segment, offset }: SpoolPosition): bigint {
  return (BigInt(segment) << OFFSET_BITS) | BigInt(offset)
}

function unpack(word: bigint): SpoolPosition {
  return { segment: Number(word >> OFFSET_BITS), offset: Number(word & 0xffff_ffffn) }
}
