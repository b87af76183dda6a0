import type { LogEvent } from '../event'
import type { Layout } from '../layout'
import type { EventBatch } from './event-batch'
import { FRAME, type FrameContent, HEADER_BYTES, padded, ROW, WORD_BYTES } from './ring'

const FIRST_EVENTS = 256
const NO_COLUMNS = new Float64Array(0)

/** A batch of finished lines, of whatever layout; the dictionary has the ids of their traces. */
export class LineBatch implements EventBatch {
  readonly #layout: Layout
  readonly #traces = new Map<string, number>()
  #rows = new Int32Array(FIRST_EVENTS * ROW.words)
  #text = ''
  #dictionary = ''
  #dictionaryBytes = 0
  #events = 0
  #firstSeq = 0
  #severity = 0
  #flags = 0
  /* Bytes of the text up to `#measured` units; counting them makes one piece of memory of the text, so it is done only when room is scarce. */
  #bytes = 0
  #measured = 0
  /* The last record; its bytes are -1 until somebody asks. */
  #line = ''
  #lineBytes = -1
  #trace: string | undefined
  /* The trace that was last added, and its place in the dictionary. */
  #addedTrace: string | undefined
  #addedIndex = -1

  constructor(layout: Layout) {
    this.#layout = layout
  }

  get events(): number {
    return this.#events
  }

  get length(): number {
    return this.#text.length
  }

  record(event: LogEvent, seq: number): number {
    // A log call inside the layout has ended when the layout returns.
    const line = this.#layout(event, seq)
    this.#line = line
    this.#lineBytes = -1
    this.#trace = event.traceId
    return line.length
  }

  recordBytes(): number {
    if (this.#lineBytes === -1) this.#lineBytes = Buffer.byteLength(this.#line)
    return this.#lineBytes
  }

  add(severity: number, seq: number, flags: number): void {
    const at = this.#events * ROW.words
    if (at === this.#rows.length) this.#grow()
    if (this.#events === 0) this.#firstSeq = seq
    const rows = this.#rows
    const { length } = this.#line
    rows[at + ROW.length] = length
    rows[at + ROW.severity] = severity
    rows[at + ROW.seq] = seq - this.#firstSeq
    rows[at + ROW.trace] = this.#traceIndex()
    this.#events++
    if (severity > this.#severity) this.#severity = severity
    this.#flags |= flags
    if (this.#lineBytes !== -1 && this.#measured === this.#text.length) {
      this.#bytes += this.#lineBytes
      this.#measured += length
    }
    this.#text += this.#line
  }

  frameBytes(): number {
    return this.#frameBytes(this.#events, 0)
  }

  frameBytesWith(): number {
    return this.#frameBytes(this.#events + 1, this.recordBytes() + Buffer.byteLength(this.#trace ?? ''))
  }

  line(): string {
    return this.#line
  }

  inner(): this {
    return this
  }

  take(): FrameContent {
    const content: FrameContent = {
      ...{ kind: FRAME.lines, flags: this.#flags, events: this.#events, firstSeq: this.#firstSeq, severity: this.#severity },
      ...{ payload: 0, rows: this.#rows, rowWords: ROW.words, columns: NO_COLUMNS },
      ...{ dictionary: this.#dictionary, text: this.#text },
    }
    this.#text = ''
    this.#dictionary = ''
    this.#dictionaryBytes = 0
    this.#events = 0
    this.#severity = 0
    this.#flags = 0
    this.#bytes = 0
    this.#measured = 0
    this.#traces.clear()
    this.#addedTrace = undefined
    this.#addedIndex = -1
    return content
  }

  #frameBytes(events: number, bytes: number): number {
    if (this.#measured < this.#text.length) {
      this.#bytes = Buffer.byteLength(this.#text)
      this.#measured = this.#text.length
    }
    return padded(HEADER_BYTES + events * ROW.words * WORD_BYTES + this.#dictionaryBytes + this.#bytes + bytes)
  }

  #traceIndex(): number {
    const trace = this.#trace
    if (trace === this.#addedTrace) return this.#addedIndex
    this.#addedTrace = trace
    this.#addedIndex = trace === undefined ? -1 : this.#indexOf(trace)
    return this.#addedIndex
  }

  #indexOf(trace: string): number {
    const known = this.#traces.get(trace)
    if (known !== undefined) return known
    const index = this.#traces.size
    this.#traces.set(trace, index)
    this.#dictionary += trace
    this.#dictionaryBytes += Buffer.byteLength(trace)
    return index
  }

  #grow(): void {
    const rows = new Int32Array(this.#rows.length * 2)
    rows.set(this.#rows)
    this.#rows = rows
  }
}
