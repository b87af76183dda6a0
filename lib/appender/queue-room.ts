import type { EventBatch } from './event-batch'
import type { ResolvedAppenderOptions } from './options'
import type { OutsideLines } from './outside-lines'
import { type QueueMemory, type RingWriter, ROW, WORD, WORD_BYTES } from './ring'

/** A hand-over costs the same for one line as for many; beyond 64 KiB a batch gets dearer again (caches). */
const BATCH_LENGTH = 64 * 1024
/** So that rows and dictionary of tiny records stay small too. */
const BATCH_EVENTS = 4096
/** A record that is longer is looked at exactly. */
const SMALL_RECORD = 16 * 1024
/** No frame of small records is larger than this: three bytes for each unit, a row and an id for each event. */
const LARGEST_FRAME = (BATCH_LENGTH + SMALL_RECORD) * 3 + BATCH_EVENTS * 96 + 64 * 1024
/* The frame that stands for the spool must find room when nothing else does: its header, and as much padding at the end of the ring. */
const SPILLED_BYTES = 128
/** Of a small queue, a batch takes no more than this share. */
const BATCH_SHARE = 1 / 8

/** Whether an event may come in. `reserved`: what is left is for warn and above. */
export type Verdict = 'room' | 'reserved' | 'none'

/**
 * The bounds of one queue: how much of it is free, exactly if that is needed, and without looking as long as there is plenty.
 *
 * Three places count: the batch that is being gathered, the ring, and lines that are too large for the ring.
 */
export class QueueRoom {
  readonly #batchLength: number
  readonly #batchEvents: number
  /** The largest frame; two of this size have room in any ring. */
  readonly #largest: number
  /* The longest record that needs no closer look, in units. */
  readonly #longest: number
  readonly #memory: QueueMemory
  readonly #ring: RingWriter
  readonly #outside: OutsideLines
  readonly #queueBytes: number
  readonly #queueSize: number
  readonly #reservedBytes: number
  readonly #reservedEvents: number
  /* Events that were ever let in, less the announcements; wraps around like the word `resolvedEvents`. */
  #accepted: number
  #ample = false

  constructor(options: ResolvedAppenderOptions, memory: QueueMemory, ring: RingWriter, outside: OutsideLines) {
    const { queueSize, discardingThreshold, maxEventBytes, spool } = options
    const queueBytes = options.queueBytes - (spool === undefined ? 0 : SPILLED_BYTES)
    this.#memory = memory
    this.#ring = ring
    this.#outside = outside
    this.#queueBytes = queueBytes
    this.#queueSize = queueSize
    this.#reservedBytes = queueBytes * discardingThreshold
    // Logback divides integers: of a queue of one event nothing is reserved.
    this.#reservedEvents = queueSize === Infinity ? 0 : Math.floor(queueSize * discardingThreshold)
    this.#largest = queueBytes / 2
    this.#longest = Math.min(SMALL_RECORD, Math.floor(maxEventBytes / 3))
    this.#accepted = Atomics.load(memory.words, WORD.resolvedEvents)
    this.#batchLength = Math.min(BATCH_LENGTH, Math.floor(queueBytes * BATCH_SHARE))
    this.#batchEvents = Math.min(BATCH_EVENTS, Math.max(1, Math.floor(queueSize * BATCH_SHARE)))
    this.look()
  }

  /** Whether a record of `length` units can be taken without a closer look. */
  isAmple(length: number): boolean {
    return this.#ample && length <= this.#longest
  }

  /** Whether `batch` is large enough to be handed over. */
  isComplete(batch: EventBatch): boolean {
    return batch.length >= this.#batchLength || batch.events >= this.#batchEvents
  }

  /** Whether a frame of `bytes` does not go into the ring at all. */
  isOutside(bytes: number): boolean {
    return bytes > this.#largest
  }

  /** Bytes that wait in the ring and outside of it. */
  get usedBytes(): number {
    return this.#ring.used + this.#outside.bytes
  }

  /** Events that wait, those of the batch included. */
  get queuedEvents(): number {
    return (this.#accepted - Atomics.load(this.#memory.words, WORD.resolvedEvents)) | 0
  }

  /** Enters an event that was let in. */
  accept(): void {
    this.#accepted = (this.#accepted + 1) | 0
  }

  /** Takes back `events` that were let in and never came into the ring. */
  forfeit(events: number): void {
    this.#accepted = (this.#accepted - events) | 0
  }

  /** Looks at what was resolved meanwhile. */
  look(): void {
    this.#ring.look()
    if (this.#outside.bytes > 0) this.#outside.forget(this.#ring.tail)
    const free = this.#queueBytes - this.#reservedBytes - this.usedBytes
    const freeEvents = this.#freeEvents - this.#reservedEvents
    this.#ample = free >= 2 * LARGEST_FRAME && freeEvents > 2 * this.#batchEvents
  }

  /**
   * Whether the last record can be added to `batch`, for an event that `discardable` says goes first, and leaves room for `more` of its size.
   */
  verdict(batch: EventBatch, discardable: boolean, more = 0): Verdict {
    const taken = this.usedBytes + (batch.events > 0 ? batch.frameBytes() : 0)
    if (discardable && this.#isReserved(taken)) return 'reserved'
    const frame = batch.frameBytesWith() + more * (batch.recordBytes() + ROW.words * WORD_BYTES)
    return this.#admits(frame, 0, more) ? 'room' : 'none'
  }

  /** The same for a line that goes outside of the ring, behind an empty batch. One that is larger than all there is must be alone. */
  verdictOutside(bytes: number, frame: number, discardable: boolean): Verdict {
    if (this.usedBytes === 0) return 'room'
    if (discardable && this.#isReserved(this.usedBytes)) return 'reserved'
    return this.#admits(frame, bytes) ? 'room' : 'none'
  }

  get #freeEvents(): number {
    return this.#queueSize - this.queuedEvents
  }

  #isReserved(taken: number): boolean {
    // A line that is larger than all there is makes less than nothing free.
    return Math.max(this.#queueBytes - taken, 0) < this.#reservedBytes || this.#freeEvents < this.#reservedEvents
  }

  /* The ring is never smaller than `queueBytes`. */
  #admits(frame: number, outside: number, more = 0): boolean {
    return this.#freeEvents > more && this.usedBytes + this.#ring.cost(frame) + outside <= this.#queueBytes
  }
}
