import { BETWEEN_ENTRIES, BETWEEN_SECTIONS, COLUMN, SLOT, SPAN_ID_LENGTH, TRACE_ID_LENGTH } from './format'
import { writeHex, writeNumber, writePlain } from './number-bytes'
import { CLOCK_COUNTER, readTemplate, type Template, WORD, wordsOf } from './template'

/* As constants of this file, because what another file exports is looked up each time. */
const {
  template: TEMPLATE,
  mdc: MDC,
  trace: TRACE,
  time: TIME,
  clockMs: MS,
  clockCounter: COUNTER,
  seq: SEQ,
  slots: SLOTS,
} = COLUMN
const {
  time: TIME_SLOT,
  traceId: TRACE_ID_SLOT,
  spanId: SPAN_ID_SLOT,
  seq: SEQ_SLOT,
  mdc: MDC_SLOT,
  text: TEXT_SLOT,
  number: NUMBER_SLOT,
} = SLOT
const COUNTER_SLOT = CLOCK_COUNTER
const TRACE_LENGTH = TRACE_ID_LENGTH + SPAN_ID_LENGTH
const MS_DIGITS = 12
const MAX_TEMPLATES = 1024
const FIRST_BYTES = 512 * 1024
/* What is kept for the next batch; more has been the exception. */
const KEPT_BYTES = 4 * 1024 * 1024

interface Text {
  readonly words: Float64Array
  readonly length: number
}

interface Frame {
  readonly templates: readonly Template[]
  readonly mdcs: readonly Text[]
  readonly rows: Float64Array
  readonly count: number
  /* How many bytes the records have. */
  readonly length: number
}

/**
 * Makes the lines of batches of captured events, as `CaptureCodec` has captured them. For the thread that writes; knows nothing of traces or loggers.
 *
 * What it keeps from batch to batch makes it faster and changes no byte: the same batch always becomes the same bytes.
 */
export class CapturedRenderer {
  readonly #templates = new Map<string, Template>()
  #out = new Uint8Array(FIRST_BYTES)
  #view = new DataView(this.#out.buffer)
  /* The records, the traces behind them, and a word of nothing, because whole words are read. */
  #source = new Uint8Array(FIRST_BYTES)
  #sourceView = new DataView(this.#source.buffer)
  #time = Number.NaN
  #timeText = textOf('')
  #ms = Number.NaN
  #msText = textOf('')

  /**
   * The lines of `count` events in UTF-8. All is as `CaptureCodec.end` has it. The bytes are good until the next call.
   */
  render(dictionary: Uint8Array, rows: Float64Array, count: number, records: Uint8Array): Buffer {
    const bytes = Buffer.from(dictionary.buffer, dictionary.byteOffset, dictionary.length)
    const mdcsFrom = bytes.indexOf(BETWEEN_SECTIONS) + 1
    const tracesFrom = bytes.indexOf(BETWEEN_SECTIONS, mdcsFrom) + 1
    const templates = bytes.toString('utf8', 0, mdcsFrom - 1)
    const mdcs = bytes.toString('utf8', mdcsFrom, tracesFrom - 1)
    this.#load(records, bytes.subarray(tracesFrom))
    const length = this.#write({
      templates: templates.split(BETWEEN_ENTRIES).map((template) => this.#template(template)),
      mdcs: mdcs.split(BETWEEN_ENTRIES).map(textOf),
      rows,
      count,
      length: records.length,
    })
    const lines = Buffer.from(this.#out.buffer, 0, length)
    if (this.#out.length > KEPT_BYTES) this.#renew(FIRST_BYTES, 0)
    return lines
  }

  /* Returns how many bytes there are. */
  #write({ templates, mdcs, rows, count, length }: Frame): number {
    const sourceView = this.#sourceView
    let out = this.#out
    let view = this.#view
    let at = 0
    let next = 0
    let row = 0
    let lastRow = -1
    // Where the last line has what it may have in common with the next one.
    let from = 0
    let to = 0
    let shared: Uint8Array | undefined
    for (let i = 0; i < count; i++) {
      const template = templates[rows[row + TEMPLATE] as number] as Template
      const mdcText = mdcs[rows[row + MDC] as number] as Text
      const trace = length + (rows[row + TRACE] as number) * TRACE_LENGTH
      const needed = at + template.room + mdcText.length + length - next + WORD
      if (needed > out.length) {
        this.#renew(needed * 2, at)
        out = this.#out
        view = this.#view
        shared = undefined
      }
      const { slots, words, starts, lengths, shared: sharedSlots } = template
      let j = 0
      if (lastRow !== -1 && sharesAll(rows, lastRow, row)) {
        shared ??= out.subarray(from, to)
        out.set(shared, at)
        from = at
        at += shared.length
        j = sharedSlots
      } else {
        shared = undefined
        from = at
      }
      lastRow = row
      let column = row + SLOTS
      for (; ; j++) {
        if (j === sharedSlots) to = at
        stamp(view, at, words, starts[j] as number, starts[j + 1] as number)
        at += lengths[j] as number
        if (j === slots.length) break
        const slot = slots[j] as number
        if (slot === TEXT_SLOT) {
          const size = rows[column++] as number
          copyWords(view, at, sourceView, next, size)
          next += size
          at += size
        } else if (slot === NUMBER_SLOT) at = writeNumber(out, at, rows[column++] as number)
        else if (slot === SEQ_SLOT) at = writePlain(out, at, rows[row + SEQ] as number)
        else if (slot === COUNTER_SLOT) at = writeHex(out, at, rows[row + COUNTER] as number)
        else if (slot === TRACE_ID_SLOT) {
          copyWords(view, at, sourceView, trace, TRACE_ID_LENGTH)
          at += TRACE_ID_LENGTH
        } else if (slot === SPAN_ID_SLOT) {
          copyWords(view, at, sourceView, trace + TRACE_ID_LENGTH, SPAN_ID_LENGTH)
          at += SPAN_ID_LENGTH
        } else {
          const text =
            slot === MDC_SLOT
              ? mdcText
              : slot === TIME_SLOT
                ? this.#timeOf(rows[row + TIME] as number)
                : this.#msOf(rows[row + MS] as number)
          stamp(view, at, text.words, 0, text.words.length)
          at += text.length
        }
      }
      row = column
    }
    return at
  }

  #timeOf(time: number): Text {
    if (time !== this.#time) {
      this.#time = time
      this.#timeText = textOf(String(time))
    }
    return this.#timeText
  }

  #msOf(ms: number): Text {
    if (ms !== this.#ms) {
      this.#ms = ms
      this.#msText = textOf(ms.toString(16).padStart(MS_DIGITS, '0'))
    }
    return this.#msText
  }

  #load(records: Uint8Array, traces: Uint8Array): void {
    const length = records.length + traces.length
    if (length + WORD > this.#source.length) {
      this.#source = new Uint8Array((length + WORD) * 2)
      this.#sourceView = new DataView(this.#source.buffer)
    }
    this.#source.set(records)
    this.#source.set(traces, records.length)
    this.#source.fill(0, length, length + WORD)
  }

  #renew(size: number, used: number): void {
    const renewed = new Uint8Array(size)
    renewed.set(this.#out.subarray(0, used))
    this.#out = renewed
    this.#view = new DataView(renewed.buffer)
  }

  #template(text: string): Template {
    const known = this.#templates.get(text)
    if (known !== undefined) return known
    const made = readTemplate(text)
    if (this.#templates.size === MAX_TEMPLATES) this.#templates.clear()
    this.#templates.set(text, made)
    return made
  }
}

/* Whether two lines are the same up to the first slot that differs from line to line. */
function sharesAll(rows: Float64Array, a: number, b: number): boolean {
  return (
    rows[a + TIME] === rows[b + TIME] &&
    rows[a + MS] === rows[b + MS] &&
    rows[a + TRACE] === rows[b + TRACE] &&
    rows[a + TEMPLATE] === rows[b + TEMPLATE] &&
    rows[a + MDC] === rows[b + MDC]
  )
}

function textOf(text: string): Text {
  return { words: wordsOf(text), length: Buffer.byteLength(text) }
}

function stamp(view: DataView, at: number, words: Float64Array, from: number, to: number): void {
  for (let i = from, place = at; i < to; i++, place += WORD) view.setFloat64(place, words[i] as number, true)
}

function copyWords(view: DataView, at: number, source: DataView, from: number, length: number): void {
  for (let i = 0; i < length; i += WORD) view.setFloat64(at + i, source.getFloat64(from + i, true), true)
}
