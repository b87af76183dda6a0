import { readClock } from '../../context'
import { isPlain, type LogEvent, textToJson } from '../../event'
import type { Redactor } from '../../redaction'
import { type FieldPlan, fieldPlans } from '../field-plans'
import { jsonLayout, mdcWriter, readField, writeField } from '../json-layout'
import { type Layout, type Origin, redactorOf } from '../layout'
import { BETWEEN_SECTIONS, COLUMN, MAX_COLUMNS, slotText } from './format'
import { type Kind, NUMBER, type Shape, TEXT, WHOLE } from './shapes'
import { Mdcs, type Part, partOf, Section, Traces } from './shared-parts'
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
const [NUMBER_KIND, TEXT_KIND, WHOLE_KIND]: readonly [Kind, Kind, Kind] = [NUMBER, TEXT, WHOLE]
/* After so many events that were not like those before them, the shapes begin anew. */
const MAX_REFUSED = 16_384
/* In a `for in` loop V8 leaves this very call out. */
const hasOwn = Object.prototype.hasOwnProperty

/* A getter or `toJSON` may log while its event is captured, and so on. Below this depth only finished lines are made. */
const MAX_DEPTH = 8

/**
 * Captures events for the JSON layout: what the lines of `jsonLayout(origin, ordering)` have to themselves, as finished text without secrets, and numbers;
 * what they share, only once in a batch. `CapturedRenderer` makes the lines of it, on whatever thread.
 *
 * Whoever calls `capture` has the text of the event and asks `columns`; then either forgets the event, or has `take` put its row behind the rows of the batch,
 * and the text behind its records. `dictionary` ends the batch. It may end between `capture` and `take`.
 */
export class CaptureCodec {
  /** How many columns the row of the event has that was captured last, at most MAX_COLUMNS. */
  columns = 0
  /** How many characters the dictionary of this batch has by now. */
  dictionarySize = 0
  readonly #redactor: Redactor
  readonly #planOf: (key: string) => FieldPlan
  readonly #withCaller: boolean
  readonly #ordering: boolean
  readonly #layout: Layout
  readonly #inside: Statements
  readonly #outside: Statements
  readonly #traces = new Traces()
  readonly #mdcs: Mdcs
  readonly #finished = { ...partOf(slotText('text')), columns: SLOTS + 1 }
  /* A row for each depth. */
  readonly #scratch = new Float64Array(MAX_DEPTH * MAX_COLUMNS)
  #depth = 0
  /* The event that was captured last. */
  #row = 0
  #template: Part = this.#finished
  #mdc: Part | undefined
  #trace: Part | undefined
  /* The dictionary. */
  #batch = 1
  #templateSection = new Section()
  #mdcSection = new Section()
  #traceSection = new Section('')
  /* What the capture of fields, or of one field, has come to. */
  #shape: Shape | undefined
  #slot = 0
  #text = ''
  #refused = 0

  constructor(origin: Origin, ordering: boolean) {
    this.#redactor = redactorOf(origin)
    this.#planOf = fieldPlans(this.#redactor)
    this.#withCaller = origin.caller === true
    this.#ordering = ordering
    this.#layout = jsonLayout(origin, ordering)
    this.#inside = new Statements(origin, ordering, this.#redactor, true)
    this.#outside = new Statements(origin, ordering, this.#redactor, false)
    this.#mdcs = new Mdcs(mdcWriter(this.#redactor, this.#planOf))
  }

  /** Captures an event and returns its text for the records of the batch. Never throws. */
  capture(event: LogEvent, seq: number): string {
    const row = Math.min(this.#depth++, MAX_DEPTH - 1) * MAX_COLUMNS
    try {
      return (this.#depth < MAX_DEPTH ? this.#captureParts(event, seq, row) : undefined) ?? this.#finish(event, seq, row)
    } finally {
      this.#depth--
    }
  }

  /** Puts the row of the event that was captured last into `rows`, from `at` on, and returns where it ends. */
  take(rows: Float64Array, at: number): number {
    const { columns } = this
    const scratch = this.#scratch
    const row = this.#row
    const template = this.#template
    const mdc = this.#mdc
    const trace = this.#trace
    if (template.batch !== this.#batch) this.#enter(template, this.#templateSection)
    if (mdc !== undefined && mdc.batch !== this.#batch) this.#enter(mdc, this.#mdcSection)
    if (trace !== undefined && trace.batch !== this.#batch) this.#enter(trace, this.#traceSection)
    scratch[row + TEMPLATE] = template.index
    scratch[row + MDC] = mdc === undefined ? 0 : mdc.index
    scratch[row + TRACE] = trace === undefined ? 0 : trace.index
    for (let i = 0; i < columns; i++) rows[at + i] = scratch[row + i] as number
    return at + columns
  }

  /** Keeps the event that was captured last while others are; the returned function makes it the last one again. */
  hold(): () => void {
    const { columns } = this
    const [row, template, mdc, trace] = [this.#row, this.#template, this.#mdc, this.#trace]
    const numbers = this.#scratch.slice(row, row + columns)
    return () => {
      this.columns = columns
      this.#row = row
      this.#template = template
      this.#mdc = mdc
      this.#trace = trace
      this.#scratch.set(numbers, row)
    }
  }

  /** What the events taken since the last call share; begins a new batch. */
  dictionary(): string {
    const sections = [this.#templateSection.text, this.#mdcSection.text, this.#traceSection.text]
    this.#templateSection = new Section()
    this.#mdcSection = new Section()
    this.#traceSection = new Section('')
    this.#batch++
    this.dictionarySize = 0
    return sections.join(BETWEEN_SECTIONS)
  }

  #enter(part: Part, section: Section): void {
    part.batch = this.#batch
    part.index = section.add(part.text)
    this.dictionarySize += part.text.length + 1
  }

  /* Undefined if only a finished line will do. */
  #captureParts(event: LogEvent, seq: number, row: number): string | undefined {
    if (event.line !== undefined || this.#isRare(event)) return undefined
    const { traceId, spanId, mdc: mdcFields, fields } = event
    const mdc = this.#mdcs.of(mdcFields, fields)
    const trace = traceId === undefined ? undefined : this.#traces.of(traceId, spanId)
    const root = (traceId === undefined ? this.#outside : this.#inside).of(event)
    if (mdc === undefined || root === undefined || (trace === undefined && traceId !== undefined)) return undefined
    const scratch = this.#scratch
    if (this.#ordering) {
      const clock = readClock(event.hlc)
      if (clock === undefined) return undefined
      scratch[row + CLOCK_MS] = clock.ms
      scratch[row + CLOCK_COUNTER] = clock.counter
      scratch[row + SEQ] = seq
    }
    scratch[row + TIME] = event.time
    const text = this.#captureFields(event, root, row + SLOTS)
    const shape = this.#shape
    if (shape === undefined) return undefined
    this.#row = row
    this.#template = shape
    this.#mdc = mdc
    this.#trace = trace
    this.columns = shape.columns
    return text
  }

  #finish(event: LogEvent, seq: number, row: number): string {
    const line = this.#layout(event, seq)
    this.#scratch[row + SLOTS] = line.length
    this.#row = row
    this.#template = this.#finished
    this.#mdc = undefined
    this.#trace = undefined
    this.columns = SLOTS + 1
    return line
  }

  /* Sets #shape; undefined if only a finished line will do. */
  #captureFields({ msg, fields }: LogEvent, root: Shape, from: number): string {
    const scratch = this.#scratch
    let shape = root
    let text = ''
    let column = from
    if (root.columns > SLOTS) {
      text = isPlain(msg) ? msg : textToJson(msg, this.#redactor)
      scratch[column++] = text.length
    }
    try {
      for (const key in fields) {
        if (!hasOwn.call(fields, key)) continue
        const value = readField(fields, key)
        const next = shape.next
        if (typeof value === 'number' && next !== undefined && next.kind === NUMBER_KIND && next.key === key) {
          scratch[column++] = value
          shape = next
        } else if (
          typeof value === 'string' &&
          next !== undefined &&
          next.kind === TEXT_KIND &&
          next.key === key &&
          isPlain(value)
        ) {
          scratch[column++] = value.length
          text += value
          shape = next
        } else {
          const found = this.#captureField(shape, key, value)
          if (found === shape) continue
          this.#shape = found
          if (found === undefined) return ''
          shape = found
          scratch[column++] = this.#slot
          text += this.#text
        }
      }
    } catch {
      // A proxy that does not tell its keys: the layout says so.
      this.#shape = undefined
      return ''
    }
    this.#shape = shape
    return text
  }

  /* The way of a field that is not as it was the last time: returns the next shape and sets #slot and #text. The same shape if the field is left out. */
  #captureField(shape: Shape, key: string, value: unknown): Shape | undefined {
    const plan = this.#planOf(key)
    if (typeof value === 'number' && plan.isFree) {
      this.#slot = value
      this.#text = ''
      return this.#step(shape, key, NUMBER_KIND, plan)
    }
    const isText = typeof value === 'string' && plan.isFree && isPlain(value)
    const text = isText ? value : writeField(key, value, 0, plan, this.#redactor)
    if (text === '' && !isText) return shape
    this.#text = text
    this.#slot = text.length
    return isText ? this.#step(shape, key, TEXT_KIND, plan) : this.#step(shape, '', WHOLE_KIND, undefined)
  }

  #step(shape: Shape, key: string, kind: Kind, plan: FieldPlan | undefined): Shape | undefined {
    const next = shape.with(key, kind, plan)
    if (next === undefined && ++this.#refused === MAX_REFUSED) {
      this.#refused = 0
      this.#inside.clear()
      this.#outside.clear()
    }
    return next
  }

  /* What changes which names are taken, or is long anyway. */
  #isRare({ err, caller, rate, replayed }: LogEvent): boolean {
    return err !== undefined || rate !== undefined || replayed === true || (this.#withCaller && caller !== undefined)
  }
}
