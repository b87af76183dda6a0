import { readClock } from '../../context'
import type { LogEvent } from '../../event'
import { fieldPlans } from '../field-plans'
import { jsonLayout, mdcWriter } from '../json-layout'
import { type Layout, type Origin, redactorOf } from '../layout'
import { BatchBuffer } from './batch-buffer'
import { Dictionary, Mdcs, type Part, partOf, Traces } from './dictionary'
import { FieldCapture } from './field-capture'
import { COLUMN, slotText } from './format'
import { Statements } from './statements'

/* As constants of this file, because what another file exports is looked up each time. */
const {
  template: TEMPLATE,
  mdc: MDC,
  trace: TRACE,
  time: TIME,
  clockMs: CLOCK_MS,
  clockCounter: CLOCK_COUNTER,
  seq: SEQ,
  slots: SLOTS,
} = COLUMN
const COLUMN_BYTES = 8
/* After so many events whose shapes were too many, shapes begin anew. */
const MAX_REFUSED = 16_384

/** A batch of captured events, for `CapturedRenderer`; see format.ts. */
export interface CapturedBatch {
  /** In UTF-8. */
  readonly dictionary: string
  readonly rows: Float64Array
  readonly count: number
  /** UTF-8. */
  readonly records: Uint8Array
}

/**
 * Captures events for the JSON layout, batch by batch: what the lines of `jsonLayout(origin, ordering)` have to themselves, without secrets and as numbers or
 * finished text, and once in a batch what they share. `CapturedRenderer` makes the lines of it, on whatever thread.
 *
 * For the thread that logs. `capture` says how many bytes an event adds; then either `take` adds it to the batch, or it is forgotten. `end` gives the batch, and may
 * come in between.
 */
export class CaptureCodec {
  /** How many bytes the batch has by now; the dictionary counts as if each of its characters had one. */
  size = 0
  /** How many events the batch has by now. */
  count = 0
  readonly #withCaller: boolean
  readonly #ordering: boolean
  readonly #layout: Layout
  readonly #inside: Statements
  readonly #outside: Statements
  readonly #traces = new Traces()
  readonly #mdcs: Mdcs
  readonly #fields: FieldCapture
  readonly #finished = { ...partOf(slotText('text')), columns: SLOTS + 1 }
  #dictionary = new Dictionary(1)
  #buffer = new BatchBuffer()
  #spare = new BatchBuffer()
  /* The event behind the batch: one that is being captured, or that may be taken. */
  #capturing = false
  #pending = false
  #template: Part = this.#finished
  #mdc: Part | undefined
  #trace: Part | undefined
  #columns = 0
  #bytes = 0
  /* Lines of events that were logged while another one was captured, by its getters and `toJSON`. */
  #nestedLine = ''
  #nested: string[] = []
  #refused = 0

  constructor(origin: Origin, ordering: boolean) {
    const redactor = redactorOf(origin)
    this.#withCaller = origin.caller === true
    this.#ordering = ordering
    this.#layout = jsonLayout(origin, ordering)
    this.#inside = new Statements(origin, ordering, redactor, true)
    this.#outside = new Statements(origin, ordering, redactor, false)
    this.#mdcs = new Mdcs(mdcWriter(redactor, fieldPlans(redactor)))
    this.#fields = new FieldCapture(redactor)
  }

  /** Captures an event and returns how many bytes it adds to a batch, without what it may add to the dictionary. Never throws. */
  capture(event: LogEvent, seq: number): number {
    if (this.#capturing) return this.#captureNested(event, seq)
    const buffer = this.#buffer
    const dictionary = this.#dictionary
    buffer.makeRoom()
    const row = buffer.rowsEnd
    const from = buffer.recordsEnd
    this.#pending = false
    this.#capturing = true
    try {
      if (!this.#captureParts(event, seq, row, from)) this.#finish(this.#layout(event, seq), buffer, row, from)
    } finally {
      this.#capturing = false
    }
    this.#pending = true
    if (this.#nested.length > 0 || dictionary !== this.#dictionary) this.#takeNested(buffer, row, from)
    return this.#columns * COLUMN_BYTES + this.#bytes
  }

  /** Adds the event that was captured last to the batch. */
  take(): void {
    if (this.#capturing) {
      this.#nested.push(this.#nestedLine)
      return
    }
    const { rows, rowsEnd } = this.#buffer
    const dictionary = this.#dictionary
    const mdc = this.#mdc
    const trace = this.#trace
    rows[rowsEnd + TEMPLATE] = dictionary.template(this.#template)
    rows[rowsEnd + MDC] = mdc === undefined ? 0 : dictionary.mdc(mdc)
    rows[rowsEnd + TRACE] = trace === undefined ? 0 : dictionary.trace(trace)
    this.#buffer.rowsEnd = rowsEnd + this.#columns
    this.#buffer.recordsEnd += this.#bytes
    this.size = this.#buffer.rowsEnd * COLUMN_BYTES + this.#buffer.recordsEnd + dictionary.size
    this.count++
    this.#pending = false
  }

  /** The events taken since the last call; begins a new batch. What it returns is good until the next call. */
  end(): CapturedBatch {
    const { rows, rowsEnd, records, recordsEnd } = this.#buffer
    const batch = {
      dictionary: this.#dictionary.text(),
      rows: rows.subarray(0, rowsEnd),
      count: this.count,
      records: records.subarray(0, recordsEnd),
    }
    ;[this.#buffer, this.#spare] = [this.#spare, this.#buffer]
    this.#buffer.clear()
    // One that is still being captured is moved when that is done.
    if (this.#pending) this.#move(this.#spare, rowsEnd, recordsEnd)
    this.#dictionary = this.#dictionary.next()
    this.size = 0
    this.count = 0
    return batch
  }

  /* False if only a finished line will do. */
  #captureParts(event: LogEvent, seq: number, row: number, from: number): boolean {
    if (event.line !== undefined || this.#isRare(event)) return false
    const { traceId, spanId, mdc: mdcFields, fields } = event
    const mdc = this.#mdcs.of(mdcFields, fields)
    const trace = traceId === undefined ? undefined : this.#traces.of(traceId, spanId)
    const root = (traceId === undefined ? this.#outside : this.#inside).of(event)
    if (mdc === undefined || root === undefined || (trace === undefined && traceId !== undefined)) return false
    const buffer = this.#buffer
    const { rows } = buffer
    if (this.#ordering) {
      const clock = readClock(event.hlc)
      if (clock === undefined) return false
      rows[row + CLOCK_MS] = clock.ms
      rows[row + CLOCK_COUNTER] = clock.counter
      rows[row + SEQ] = seq
    }
    rows[row + TIME] = event.time
    const captured = this.#fields
    captured.capture(event, root, buffer, row, from)
    if (captured.shape === undefined) {
      this.#refuse()
      return false
    }
    this.#template = captured.shape
    this.#mdc = mdc
    this.#trace = trace
    this.#columns = captured.shape.columns
    this.#bytes = captured.end - from
    return true
  }

  #finish(line: string, buffer: BatchBuffer, row: number, from: number): void {
    this.#template = this.#finished
    this.#mdc = undefined
    this.#trace = undefined
    this.#columns = SLOTS + 1
    this.#bytes = buffer.write(line, from) - from
    buffer.rows[row + SLOTS] = this.#bytes
  }

  #captureNested(event: LogEvent, seq: number): number {
    const line = this.#layout(event, seq)
    this.#nestedLine = line
    return (SLOTS + 1) * COLUMN_BYTES + Buffer.byteLength(line)
  }

  /* Puts the events that were logged meanwhile before the one that is captured, which lies in `buffer`. */
  #takeNested(buffer: BatchBuffer, row: number, from: number): void {
    const [template, mdc, trace, columns, bytes] = [this.#template, this.#mdc, this.#trace, this.#columns, this.#bytes]
    const ownRow = buffer.rows.slice(row, row + columns)
    const ownBytes = Uint8Array.prototype.slice.call(buffer.records, from, from + bytes)
    for (const line of this.#nested) {
      this.#buffer.makeRoom()
      this.#finish(line, this.#buffer, this.#buffer.rowsEnd, this.#buffer.recordsEnd)
      this.take()
    }
    this.#nested = []
    ;[this.#template, this.#mdc, this.#trace, this.#columns, this.#bytes] = [template, mdc, trace, columns, bytes]
    this.#buffer.put(ownRow, ownBytes)
    this.#pending = true
  }

  #move(from: BatchBuffer, row: number, at: number): void {
    this.#buffer.put(from.rows.subarray(row, row + this.#columns), from.records.subarray(at, at + this.#bytes))
  }

  #refuse(): void {
    if (++this.#refused < MAX_REFUSED) return
    this.#refused = 0
    this.#inside.clear()
    this.#outside.clear()
  }

  /* What changes which names are taken, or is long anyway. */
  #isRare({ err, caller, rate, replayed }: LogEvent): boolean {
    return err !== undefined || rate !== undefined || replayed === true || (this.#withCaller && caller !== undefined)
  }
}
