import { MAX_COLUMNS } from '../layout'
import type { RecordWriter } from './record-writer'
import { FLOAT_BYTES, type FrameContent, HEADER_BYTES, padded, ROW, WORD_BYTES } from './ring'

const FIRST_ROWS = 256

/** The events that are gathered for the next frame, on the heap of the thread that logs. */
export class RecordBatch {
  readonly #writer: RecordWriter
  readonly #rowWords: number
  #rows: Int32Array
  #columns: Float64Array
  #columnCount = 0
  #text = ''
  #events = 0
  #firstSeq = 0
  #severity = 0
  #flags = 0
  /* Bytes of the text up to `#measured` units; counting them makes one piece of memory of the text, so it is done only when room is scarce. */
  #bytes = 0
  #measured = 0

  constructor(writer: RecordWriter) {
    this.#writer = writer
    this.#rowWords = writer.rowWords
    this.#rows = new Int32Array(FIRST_ROWS * writer.rowWords)
    this.#columns = new Float64Array(MAX_COLUMNS * 2)
  }

  get events(): number {
    return this.#events
  }

  /** What was gathered, roughly: UTF-16 units of the text, and the bytes of the columns. */
  get length(): number {
    return this.#text.length + this.#columnCount * FLOAT_BYTES
  }

  /** Adds the record `text`, which the writer made last. `bytes` is how long it is, if that is known. */
  add(text: string, severity: number, seq: number, flags: number, bytes?: number): void {
    const at = this.#events * this.#rowWords
    if (at === this.#rows.length || this.#columnCount + MAX_COLUMNS > this.#columns.length) this.#grow()
    const rows = this.#rows
    rows[at + ROW.length] = text.length
    rows[at + ROW.severity] = severity
    if (this.#events === 0) this.#firstSeq = seq
    this.#columnCount = this.#writer.take(rows, at, this.#firstSeq, this.#columns, this.#columnCount)
    this.#events++
    if (severity > this.#severity) this.#severity = severity
    this.#flags |= flags
    if (bytes !== undefined && this.#measured === this.#text.length) {
      this.#bytes += bytes
      this.#measured += text.length
    }
    this.#text += text
  }

  /** Bytes of the frame that these events make; never less than it will have. */
  frameBytes(): number {
    return this.#frameBytes(this.#events, this.#columnCount, 0)
  }

  /** Bytes of the frame that these events and the writer's last record, whose text has `bytes`, make. */
  frameBytesWith(bytes: number): number {
    return this.#frameBytes(this.#events + 1, this.#columnCount + this.#writer.columns, bytes)
  }

  /** What was gathered, as the content of a frame; the batch is empty then. */
  take(): FrameContent {
    const content: FrameContent = {
      ...{
        kind: this.#writer.kind,
        flags: this.#flags,
        events: this.#events,
        firstSeq: this.#firstSeq,
        severity: this.#severity,
      },
      ...{ payload: 0, rows: this.#rows, rowWords: this.#rowWords, columns: this.#columns, columnCount: this.#columnCount },
      ...{ dictionary: this.#writer.takeDictionary(), text: this.#text },
    }
    this.#text = ''
    this.#events = 0
    this.#columnCount = 0
    this.#severity = 0
    this.#flags = 0
    this.#bytes = 0
    this.#measured = 0
    return content
  }

  #frameBytes(events: number, columns: number, bytes: number): number {
    if (this.#measured < this.#text.length) {
      this.#bytes = Buffer.byteLength(this.#text)
      this.#measured = this.#text.length
    }
    const rows = columns * FLOAT_BYTES + events * this.#rowWords * WORD_BYTES
    return padded(HEADER_BYTES + rows + this.#writer.dictionaryBytes + this.#bytes + bytes)
  }

  #grow(): void {
    const rows = new Int32Array(this.#rows.length * 2)
    rows.set(this.#rows)
    this.#rows = rows
    const columns = new Float64Array(this.#columns.length * 2)
    columns.set(this.#columns)
    this.#columns = columns
  }
}
