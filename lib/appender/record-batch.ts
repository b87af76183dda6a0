import type { RecordWriter } from './record-writer'
import { type FrameContent, HEADER_BYTES, padded, ROW } from './ring'

const FIRST_ROWS = 256

/** The events that are gathered for the next frame, on the heap of the thread that logs. */
export class RecordBatch {
  readonly #writer: RecordWriter
  #rows: Int32Array
  #text = ''
  #events = 0
  #severity = 0
  #flags = 0
  /* Bytes of the text up to `#measured` units; counting them makes one piece of memory of the text, so it is done only when room is scarce. */
  #bytes = 0
  #measured = 0

  constructor(writer: RecordWriter) {
    this.#writer = writer
    this.#rows = new Int32Array(FIRST_ROWS * writer.rowWords)
  }

  get events(): number {
    return this.#events
  }

  /** UTF-16 units of the text. */
  get length(): number {
    return this.#text.length
  }

  /** Adds the record `text`, which the writer has made, with its row. `bytes` is how long it is, if that is known. */
  add(text: string, row: Int32Array, severity: number, flags: number, bytes?: number): void {
    const { rowWords } = this.#writer
    const at = this.#events * rowWords
    if (at === this.#rows.length) this.#grow()
    const rows = this.#rows
    for (let i = 0; i < rowWords; i++) rows[at + i] = row[i] as number
    rows[at + ROW.length] = text.length
    rows[at + ROW.severity] = severity
    this.#events++
    if (severity > this.#severity) this.#severity = severity
    this.#flags |= flags
    if (bytes !== undefined && this.#measured === this.#text.length) {
      this.#bytes += bytes
      this.#measured += text.length
    }
    this.#text += text
  }

  /** Bytes of the frame that these events, and one more of `bytes`, make; never less than it will have. */
  frameBytes(bytes = 0): number {
    if (this.#measured < this.#text.length) {
      this.#bytes += Buffer.byteLength(this.#measured === 0 ? this.#text : this.#text.slice(this.#measured))
      this.#measured = this.#text.length
    }
    const { rowWords, dictionaryBytes } = this.#writer
    const rows = (this.#events + (bytes > 0 ? 1 : 0)) * rowWords * Int32Array.BYTES_PER_ELEMENT
    return padded(HEADER_BYTES + rows + dictionaryBytes + this.#bytes + bytes)
  }

  /** What was gathered, as the content of a frame; the batch is empty then. */
  take(): FrameContent {
    const content: FrameContent = {
      ...{
        kind: this.#writer.kind,
        flags: this.#flags,
        events: this.#events,
        firstSeq: this.#writer.firstSeq,
        severity: this.#severity,
      },
      ...{ payload: 0, rows: this.#rows, rowWords: this.#writer.rowWords },
      ...{ dictionary: this.#writer.takeDictionary(), text: this.#text },
    }
    this.#text = ''
    this.#events = 0
    this.#severity = 0
    this.#flags = 0
    this.#bytes = 0
    this.#measured = 0
    return content
  }

  #grow(): void {
    const rows = new Int32Array(this.#rows.length * 2)
    rows.set(this.#rows)
    this.#rows = rows
  }
}
