import type { LogEvent } from '../event'
import { CaptureCodec, jsonLayout, type Layout, MAX_ADDED, type Origin } from '../layout'
import { type EventBatch, MAX_BYTES_PER_UNIT } from './event-batch'
import { LineBatch } from './line-batch'
import { FRAME, type FrameContent, HEADER_BYTES, padded } from './ring'

const NO_ROWS = new Int32Array(0)

/** A batch of captured values, which the flush thread makes lines of the JSON layout of. What a row says is among their columns. */
export class CapturedBatch implements EventBatch {
  readonly #layout: Layout
  readonly #codec: CaptureCodec
  #inner: LineBatch | undefined
  #recordBytes = 0
  #firstSeq = 0
  #severity = 0
  #flags = 0

  constructor(origin: Origin, ordering: boolean) {
    this.#layout = jsonLayout(origin, ordering)
    this.#codec = new CaptureCodec(origin, ordering)
  }

  get events(): number {
    return this.#codec.count
  }

  get length(): number {
    return this.#codec.size
  }

  record(event: LogEvent, seq: number): number {
    this.#recordBytes = this.#codec.capture(event, seq)
    return this.#recordBytes
  }

  recordBytes(): number {
    return this.#recordBytes
  }

  add(severity: number, seq: number, flags: number): void {
    if (this.#severity === 0) this.#firstSeq = seq
    if (severity > this.#severity) this.#severity = severity
    this.#flags |= flags
    this.#codec.take()
  }

  frameBytes(): number {
    return padded(HEADER_BYTES + this.#codec.size * MAX_BYTES_PER_UNIT)
  }

  frameBytesWith(): number {
    return padded(HEADER_BYTES + (this.#codec.size + MAX_ADDED) * MAX_BYTES_PER_UNIT + this.#recordBytes)
  }

  line(event: LogEvent, seq: number): string {
    return this.#layout(event, seq)
  }

  /* Values could only follow the record that is being made; a line can be handed over before it. */
  inner(): EventBatch {
    this.#inner ??= new LineBatch(this.#layout)
    return this.#inner
  }

  take(): FrameContent {
    const { count, dictionary, rows, records } = this.#codec.end()
    const content: FrameContent = {
      ...{ kind: FRAME.captured, flags: this.#flags, events: count, firstSeq: this.#firstSeq, severity: this.#severity },
      ...{ payload: 0, rows: NO_ROWS, rowWords: 0, columns: rows, dictionary, text: records },
    }
    this.#severity = 0
    this.#flags = 0
    return content
  }
}
