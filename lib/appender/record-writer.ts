import type { LogEvent } from '../event'
import { CaptureCodec, jsonLayout, type Layout, MAX_ADDED, type Origin } from '../layout'
import { FRAME, type FrameKind, ROW, TRACE_ID_BYTES } from './ring'

/** UTF-8 takes at most three bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3

/**
 * Makes records, on the thread that logs: what an event leaves in a frame. First `write`, then the record is either forgotten or taken into the
 * batch by `take`. A log call inside another one (in a getter of what is logged) does both before the outer `write` returns.
 */
export interface RecordWriter {
  readonly kind: FrameKind
  /** Words of a row, `length` and `severity` first. */
  readonly rowWords: number
  /** How many columns the last record has. */
  readonly columns: number
  /** How many bytes the dictionary of the frame takes at most, with what the last record adds to it. */
  readonly dictionaryBytes: number
  /** The text of the record of an event. */
  write(event: LogEvent, seq: number): string
  /**
   * Takes the last record into the batch: puts the words of its row that are the writer's at `at`, its columns into `columns` from `column` on, and
   * returns where those end.
   */
  take(rows: Int32Array, at: number, firstSeq: number, columns: Float64Array, column: number): number
  /** Keeps the last record while others are made; the returned function makes it the last one again. */
  hold(): () => void
  /** The finished line of an event. */
  line(event: LogEvent, seq: number): string
  /** What the records since the last call refer to, for their frame; begins a new batch. */
  takeDictionary(): string
}

/** Records that are finished lines; the dictionary has the ids of their traces. */
export class LineRecords implements RecordWriter {
  readonly kind = FRAME.lines
  readonly rowWords = ROW.words
  readonly columns = 0
  readonly line: Layout
  readonly #traces = new Map<string, number>()
  #dictionary = ''
  #trace: string | undefined
  #seq = 0
  /* The trace that was last taken, and its place in the dictionary. */
  #takenTrace: string | undefined
  #takenIndex = -1

  constructor(layout: Layout) {
    this.line = layout
  }

  get dictionaryBytes(): number {
    return this.#dictionary.length * MAX_BYTES_PER_UNIT + TRACE_ID_BYTES
  }

  write(event: LogEvent, seq: number): string {
    const text = this.line(event, seq)
    this.#trace = event.traceId
    this.#seq = seq
    return text
  }

  take(rows: Int32Array, at: number, firstSeq: number, _columns: Float64Array, column: number): number {
    rows[at + ROW.seq] = this.#seq - firstSeq
    const trace = this.#trace
    if (trace !== this.#takenTrace) {
      this.#takenTrace = trace
      this.#takenIndex = trace === undefined ? -1 : this.#indexOf(trace)
    }
    rows[at + ROW.trace] = this.#takenIndex
    return column
  }

  hold(): () => void {
    const [trace, seq] = [this.#trace, this.#seq]
    return () => {
      this.#trace = trace
      this.#seq = seq
    }
  }

  takeDictionary(): string {
    const dictionary = this.#dictionary
    this.#dictionary = ''
    this.#traces.clear()
    this.#takenTrace = undefined
    this.#takenIndex = -1
    return dictionary
  }

  #indexOf(trace: string): number {
    const known = this.#traces.get(trace)
    if (known !== undefined) return known
    const index = this.#traces.size
    this.#traces.set(trace, index)
    this.#dictionary += trace
    return index
  }
}

/** Records that are captured values, which the flush thread makes lines of the JSON layout of. */
export class CapturedRecords implements RecordWriter {
  readonly kind = FRAME.captured
  readonly rowWords = ROW.seq
  readonly line: Layout
  readonly #codec: CaptureCodec

  constructor(origin: Origin, ordering: boolean) {
    this.line = jsonLayout(origin, ordering)
    this.#codec = new CaptureCodec(origin, ordering)
  }

  get columns(): number {
    return this.#codec.columns
  }

  get dictionaryBytes(): number {
    return (this.#codec.dictionarySize + MAX_ADDED) * MAX_BYTES_PER_UNIT
  }

  write(event: LogEvent, seq: number): string {
    return this.#codec.capture(event, seq)
  }

  take(_rows: Int32Array, _at: number, _firstSeq: number, columns: Float64Array, column: number): number {
    return this.#codec.take(columns, column)
  }

  hold(): () => void {
    return this.#codec.hold()
  }

  takeDictionary(): string {
    return this.#codec.dictionary()
  }
}
