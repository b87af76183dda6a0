import { FRAME, type FrameKind, HEADER, HEADER_BYTES, HEADER_FLOAT, padded, WORD_BYTES } from './frame'
import { type QueueMemory, WORD } from './memory'

/** A batch on its way into the ring. */
export interface FrameContent {
  readonly kind: FrameKind
  readonly flags: number
  readonly events: number
  readonly firstSeq: number
  readonly severity: number
  /** The number of the payload of a frame `outside`, else 0. */
  readonly payload: number
  /** `events` rows, as one run of words; more may follow in the array. */
  readonly rows: Int32Array
  readonly rowWords: number
  readonly columns: Float64Array
  readonly dictionary: string
  /** As bytes: UTF-8. */
  readonly text: string | Uint8Array
}

/** UTF-8 takes at most three bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3

/** The writing end of a ring. Only one thread may have it. */
export class RingWriter {
  readonly #memory: QueueMemory
  #head: number
  /* TAIL as it was when it was last read; it only moves on, so there is at least this much room. */
  #knownTail: number

  constructor(memory: QueueMemory) {
    this.#memory = memory
    this.#head = Atomics.load(memory.words, WORD.head)
    this.#knownTail = Atomics.load(memory.words, WORD.tail)
  }

  /** HEAD: the position behind the last frame. */
  get head(): number {
    return this.#head
  }

  /** TAIL, as of the last look. */
  get tail(): number {
    return this.#knownTail
  }

  /** Bytes that are not resolved yet, padding included, as of the last look at TAIL. */
  get used(): number {
    return (this.#head - this.#knownTail) | 0
  }

  /** Reads TAIL again; whether it has moved. */
  look(): boolean {
    const tail = Atomics.load(this.#memory.words, WORD.tail)
    const moved = tail !== this.#knownTail
    this.#knownTail = tail
    return moved
  }

  /** Whether a frame of `bytes`, its header and padding included, can be written now. */
  fits(bytes: number): boolean {
    return this.used + this.cost(bytes) <= this.#memory.capacity
  }

  /** Bytes that a frame of `bytes` takes now, those included that are lost at the end of the ring before it. */
  cost(bytes: number): number {
    return this.#padding(bytes) + bytes
  }

  /** Bytes that are lost at the end of the ring if a frame of `bytes` comes next. */
  #padding(bytes: number): number {
    const toEnd = this.#memory.capacity - (this.#head & (this.#memory.capacity - 1))
    return bytes <= toEnd ? 0 : toEnd
  }

  /** Writes a frame; false, and nothing is written, if there is no room. Nobody is woken by it. */
  write(content: FrameContent, now: number): boolean {
    const rowBytes = content.columns.byteLength + content.events * content.rowWords * WORD_BYTES
    const { dictionary, text } = content
    const known = HEADER_BYTES + rowBytes + (typeof text === 'string' ? 0 : text.length)
    const units = dictionary.length + (typeof text === 'string' ? text.length : 0)
    const most = padded(known + units * MAX_BYTES_PER_UNIT)
    // Counted exactly only where it matters: when room is scarce, and once in a round, at the end.
    if (this.#padding(most) > 0 || !this.#admits(most)) {
      const exact = Buffer.byteLength(dictionary) + (typeof text === 'string' ? Buffer.byteLength(text) : 0)
      if (!this.#admits(padded(known + exact))) return false
    }
    this.#put(content, rowBytes, now)
    return true
  }

  /* Pads the end of the ring if the frame has to begin anew at its start. */
  #admits(bytes: number): boolean {
    if (!this.fits(bytes) && !(this.look() && this.fits(bytes))) return false
    const padding = this.#padding(bytes)
    if (padding > 0) this.#pad(padding)
    return true
  }

  #pad(bytes: number): void {
    const { ints, words, capacity } = this.#memory
    const at = (this.#head & (capacity - 1)) >> 2
    ints[at + HEADER.size] = bytes
    ints[at + HEADER.kind] = FRAME.pad
    this.#head = (this.#head + bytes) | 0
    Atomics.store(words, WORD.head, this.#head)
  }

  #put(content: FrameContent, rowBytes: number, now: number): void {
    const { kind, flags, events, firstSeq, severity, payload, rows, rowWords, columns, dictionary, text } = content
    const { ints, floats, bytes, words, capacity } = this.#memory
    const position = this.#head & (capacity - 1)
    const at = position >> 2
    const textFrom = position + HEADER_BYTES + rowBytes
    const dictionaryBytes = dictionary === '' ? 0 : bytes.write(dictionary, textFrom, 'utf8')
    const textBytes = putText(bytes, text, textFrom + dictionaryBytes)
    const size = padded(HEADER_BYTES + rowBytes + dictionaryBytes + textBytes)
    ints[at + HEADER.size] = size
    ints[at + HEADER.kind] = kind
    ints[at + HEADER.flags] = flags
    ints[at + HEADER.events] = events
    ints[at + HEADER.dictionary] = dictionaryBytes
    ints[at + HEADER.text] = textBytes
    ints[at + HEADER.rowWords] = rowWords
    ints[at + HEADER.payload] = payload
    ints[at + HEADER.columns] = columns.length
    ints[at + HEADER.severity] = severity
    floats[(position >> 3) + HEADER_FLOAT.firstSeq] = firstSeq
    floats[(position >> 3) + HEADER_FLOAT.time] = now
    if (columns.length > 0) floats.set(columns, (position + HEADER_BYTES) >> 3)
    ints.set(rows.subarray(0, events * rowWords), ((position + HEADER_BYTES) >> 2) + columns.length * 2)
    this.#head = (this.#head + size) | 0
    Atomics.store(words, WORD.head, this.#head)
  }
}

function putText(bytes: Buffer, text: string | Uint8Array, at: number): number {
  if (typeof text === 'string') return text === '' ? 0 : bytes.write(text, at, 'utf8')
  bytes.set(text, at)
  return text.length
}
