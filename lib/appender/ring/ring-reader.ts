import { FRAME, type FrameKind, HEADER, HEADER_BYTES, HEADER_FLOAT, WORD_BYTES } from './frame'
import { ACCOUNT, type QueueMemory, WORD } from './memory'

/** A frame as it lies in the ring. Its arrays are views of shared memory, valid until it is resolved. */
export interface Frame {
  readonly kind: FrameKind
  readonly flags: number
  readonly events: number
  /** How many words of `rows` each event has. */
  readonly rowWords: number
  /** The number of the payload of a frame `outside`. */
  readonly payload: number
  readonly severity: number
  readonly firstSeq: number
  /** When it was handed over: ms since the epoch. */
  readonly time: number
  readonly columns: Float64Array
  readonly rows: Int32Array
  readonly dictionary: Buffer
  readonly text: Buffer
  /** Size in the ring, in bytes. */
  readonly size: number
}

/** A frame, and where the next one begins. */
export interface Seen {
  readonly frame: Frame
  readonly end: number
}

/** How many events came to what, and how many bytes were delivered. */
export interface Outcomes {
  readonly delivered: number
  /** Refused together with others. */
  readonly rejected: number
  /** Refused one by one. */
  readonly quarantined: number
  /** Left out on purpose by a decorator of the sink. */
  readonly filtered: number
  /** Put on the disk by a decorator of the sink, which counts them itself. */
  readonly spooled: number
  readonly bytes: number
}

/** Enters outcomes into the account. Only for the owner of the lock. */
export function countOutcomes(
  memory: QueueMemory,
  { delivered, rejected, quarantined, filtered, spooled, bytes }: Outcomes,
): void {
  memory.count(ACCOUNT.delivered, delivered)
  memory.count(ACCOUNT.rejected, rejected)
  memory.count(ACCOUNT.quarantined, quarantined)
  memory.count(ACCOUNT.filtered, filtered)
  memory.count(ACCOUNT.spooled, spooled)
  memory.count(ACCOUNT.bytes, bytes)
}

/** The reading end of a ring. Only the owner of the lock may resolve; whoever has the memory may look. */
export class RingReader {
  readonly #memory: QueueMemory

  constructor(memory: QueueMemory) {
    this.#memory = memory
  }

  /** TAIL: the position of the first frame that is not resolved. */
  get tail(): number {
    return Atomics.load(this.#memory.words, WORD.tail)
  }

  get isEmpty(): boolean {
    return this.tail === Atomics.load(this.#memory.words, WORD.head)
  }

  /** The first frame that is not resolved; undefined if there is none. Leaves padding behind, so only for the owner of the lock. */
  frame(): Frame | undefined {
    const { words, ints, capacity } = this.#memory
    const { tail } = this
    if (tail === Atomics.load(words, WORD.head)) return undefined
    const at = (tail & (capacity - 1)) >> 2
    if (ints[at + HEADER.kind] !== FRAME.pad) return this.#read(tail & (capacity - 1))
    this.#leave(ints[at + HEADER.size] as number)
    return this.frame()
  }

  /** The first frame at or behind `position`, TAIL or the end of a frame, which is not resolved; undefined if there is none. Leaves nothing behind. */
  look(position: number): Seen | undefined {
    const { words, ints, capacity } = this.#memory
    if (position === Atomics.load(words, WORD.head)) return undefined
    const at = (position & (capacity - 1)) >> 2
    const end = (position + (ints[at + HEADER.size] as number)) | 0
    return ints[at + HEADER.kind] === FRAME.pad ? this.look(end) : { frame: this.#read(position & (capacity - 1)), end }
  }

  /** Enters what `frame`, the first one, came to into the account, and leaves it behind. */
  resolve(frame: Frame, outcome: 'delivered' | 'rejected' | 'spooled', bytes: number): void {
    this.#memory.count(ACCOUNT[outcome], frame.events)
    if (outcome === 'delivered') this.#memory.count(ACCOUNT.bytes, bytes)
    this.#resolved(frame)
  }

  /** The same for a frame whose events have come to different things. */
  settle(frame: Frame, outcomes: Outcomes): void {
    countOutcomes(this.#memory, outcomes)
    this.#resolved(frame)
  }

  /** How many events lie in the frames that are not resolved, counted one frame after the other. Only for the thread that writes. */
  pendingEvents(): number {
    return this.#sum((at) => this.#memory.ints[at + HEADER.events] as number)
  }

  /** When the first frame that is not resolved was handed over, in ms since the epoch; undefined if there is none. */
  oldestTime(): number | undefined {
    const { words, floats, ints, capacity } = this.#memory
    let { tail } = this
    while (tail !== Atomics.load(words, WORD.head)) {
      const position = tail & (capacity - 1)
      if (ints[(position >> 2) + HEADER.kind] !== FRAME.pad) return floats[(position >> 3) + HEADER_FLOAT.time]
      tail = (tail + (ints[(position >> 2) + HEADER.size] as number)) | 0
    }
    return undefined
  }

  #sum(what: (at: number) => number): number {
    const { words, ints, capacity } = this.#memory
    const head = Atomics.load(words, WORD.head)
    let sum = 0
    for (let { tail } = this; tail !== head; ) {
      const at = (tail & (capacity - 1)) >> 2
      if (ints[at + HEADER.kind] !== FRAME.pad) sum += what(at)
      tail = (tail + (ints[at + HEADER.size] as number)) | 0
    }
    return sum
  }

  #read(position: number): Frame {
    const { ints, floats, bytes } = this.#memory
    const at = position >> 2
    const size = ints[at + HEADER.size] as number
    const events = ints[at + HEADER.events] as number
    const rowWords = ints[at + HEADER.rowWords] as number
    const dictionaryBytes = ints[at + HEADER.dictionary] as number
    const textBytes = ints[at + HEADER.text] as number
    const kind = ints[at + HEADER.kind] as FrameKind
    const columnCount = ints[at + HEADER.columns] as number
    const columnsFrom = (position + HEADER_BYTES) >> 3
    const rowsFrom = (columnsFrom + columnCount) * 2
    const dictionaryFrom = (rowsFrom + events * rowWords) * WORD_BYTES
    const textFrom = dictionaryFrom + dictionaryBytes
    return {
      kind,
      flags: ints[at + HEADER.flags] as number,
      events,
      rowWords,
      payload: ints[at + HEADER.payload] as number,
      severity: ints[at + HEADER.severity] as number,
      firstSeq: floats[(position >> 3) + HEADER_FLOAT.firstSeq] as number,
      time: floats[(position >> 3) + HEADER_FLOAT.time] as number,
      columns: floats.subarray(columnsFrom, columnsFrom + columnCount),
      rows: ints.subarray(rowsFrom, rowsFrom + events * rowWords),
      dictionary: bytes.subarray(dictionaryFrom, textFrom),
      text: bytes.subarray(textFrom, textFrom + textBytes),
      size,
    }
  }

  #resolved(frame: Frame): void {
    const { words } = this.#memory
    Atomics.add(words, WORD.resolvedEvents, frame.events)
    Atomics.store(words, WORD.written, 0)
    this.#leave(frame.size)
    Atomics.notify(words, WORD.tail)
  }

  #leave(bytes: number): void {
    const { words } = this.#memory
    Atomics.store(words, WORD.tail, (this.tail + bytes) | 0)
  }
}
