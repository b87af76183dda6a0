import type { LogEvent } from '../event'
import type { Layout } from '../layout'
import { FRAME, type FrameKind, ROW, TRACE_ID_BYTES } from './ring'

/** Makes records, on the thread that logs: what an event leaves in a frame. */
export interface RecordWriter {
  readonly kind: FrameKind
  /** Words of a row, the common ones of `ROW` first. */
  readonly rowWords: number
  /** Bytes that the dictionary of the frame takes so far, at the most. */
  readonly dictionaryBytes: number
  /** The `seq` that those in the rows are counted from: that of the first record since the last `takeDictionary`. */
  readonly firstSeq: number
  /** The text of a record; its row, but for the words `length` and `severity`, is written to `row`. A record that is not used does no harm. */
  write(event: LogEvent, seq: number, row: Int32Array): string
  /** The finished line of an event. */
  line(event: LogEvent, seq: number): string
  /** What the records since the last call refer to, for their frame. */
  takeDictionary(): string
}

/** Records that are finished lines; the dictionary has the ids of their traces. */
export class LineRecords implements RecordWriter {
  readonly kind = FRAME.lines
  readonly rowWords = ROW.words
  readonly line: Layout
  readonly #traces = new Map<string, number>()
  #dictionary = ''
  #lastTrace: string | undefined
  #lastIndex = -1
  #firstSeq: number | undefined

  get firstSeq(): number {
    return this.#firstSeq ?? 0
  }

  constructor(layout: Layout) {
    this.line = layout
  }

  get dictionaryBytes(): number {
    // Ids are ASCII, and the next record may bring one more.
    return this.#dictionary.length + TRACE_ID_BYTES
  }

  write(event: LogEvent, seq: number, row: Int32Array): string {
    const text = this.line(event, seq)
    this.#firstSeq ??= seq
    row[ROW.seq] = seq - this.#firstSeq
    const { traceId } = event
    if (traceId !== this.#lastTrace) {
      this.#lastTrace = traceId
      this.#lastIndex = traceId === undefined ? -1 : this.#indexOf(traceId)
    }
    row[ROW.trace] = this.#lastIndex
    return text
  }

  takeDictionary(): string {
    const dictionary = this.#dictionary
    this.#dictionary = ''
    this.#traces.clear()
    this.#lastTrace = undefined
    this.#lastIndex = -1
    this.#firstSeq = undefined
    return dictionary
  }

  #indexOf(traceId: string): number {
    const known = this.#traces.get(traceId)
    if (known !== undefined) return known
    const index = this.#traces.size
    this.#traces.set(traceId, index)
    this.#dictionary += traceId
    return index
  }
}
