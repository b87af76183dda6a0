import { BEFORE_CONTEXTS, BEFORE_MDC, BETWEEN_ENTRIES, COLUMN, SLOT } from './format'
import { Ink, type Stencil, stencilOf } from './ink'

/* As constants of this file, because what another file exports is looked up each time. */
const {
  template: TEMPLATE,
  context: CONTEXT,
  time: TIME,
  clockMs: CLOCK_MS,
  clockCounter: CLOCK_COUNTER,
  seq: SEQ,
  slots: SLOTS,
} = COLUMN
const { time: TIME_SLOT, trace: TRACE_SLOT, clock: CLOCK_SLOT, seq: SEQ_SLOT, mdc: MDC_SLOT, text: TEXT_SLOT } = SLOT

const MAX_TEMPLATES = 1024
/* Beyond any that is meant to be made: a number has at most 25 characters, in a column. */
const NUMBER_ROOM = 32
/* What is kept for the next batch; a larger one has been the exception. */
const KEPT_BYTES = 4 * 1024 * 1024

/** The parts of a template; before each slot, and after the last, a constant. */
interface Template {
  readonly constants: readonly Stencil[]
  readonly slots: Uint8Array
  /* How many slots, from the first on, are the same for all events of one context and millisecond. */
  readonly shared: number
  /* How many bytes a line takes at most, without its context and its texts. */
  readonly room: number
}

interface Context {
  readonly trace: Stencil
  readonly mdc: Stencil
}

const NO_CONTEXT: Context = { trace: stencilOf(''), mdc: stencilOf('') }

/**
 * Makes the lines of batches of captured events, as `CaptureCodec` has made them. For the thread that writes; knows nothing of traces or loggers.
 *
 * What it keeps from batch to batch makes it faster, and changes no byte: the same batch always becomes the same bytes.
 */
export class CapturedRenderer {
  readonly #ink = new Ink(KEPT_BYTES)
  readonly #templates = new Map<string, Template>()

  /**
   * The lines of `count` events in UTF-8. `dictionary` and `records` are the codec's texts in UTF-8, `rows` its columns. The bytes are
   * good until the next call.
   */
  render(dictionary: Uint8Array, rows: Float64Array, count: number, records: Uint8Array): Buffer {
    const text = Buffer.from(dictionary.buffer, dictionary.byteOffset, dictionary.length).toString()
    const end = text.indexOf(BEFORE_CONTEXTS)
    const templates = text
      .slice(0, end)
      .split(BETWEEN_ENTRIES)
      .map((template) => this.#template(template))
    const contexts = text
      .slice(end + 1)
      .split(BETWEEN_ENTRIES)
      .map(contextOf)
    this.#ink.begin(records)
    this.#lines(templates, contexts, rows, count)
    return this.#ink.end()
  }

  #lines(templates: readonly Template[], contexts: readonly Context[], rows: Float64Array, count: number): void {
    const ink = this.#ink
    let at = 0
    let last: Template | undefined
    let lastContext = NO_CONTEXT
    let lastTime = -1
    let lastMs = -1
    for (let i = 0; i < count; i++) {
      const template = templates[rows[at + TEMPLATE] as number] as Template
      const context = contexts[rows[at + CONTEXT] as number] ?? NO_CONTEXT
      const time = rows[at + TIME] as number
      const ms = rows[at + CLOCK_MS] as number
      ink.makeRoom(template.room + context.trace.length + context.mdc.length)
      if (template === last && context === lastContext && time === lastTime && ms === lastMs) ink.again()
      else {
        last = template
        lastContext = context
        lastTime = time
        lastMs = ms
        ink.beginShared()
        for (let j = 0; j < template.shared; j++) {
          ink.stamp(template.constants[j] as Stencil)
          writeShared(ink, template.slots[j] as number, context, time, ms)
        }
        ink.endShared()
      }
      at = writeRest(ink, template, context, rows, at)
    }
  }

  #template(text: string): Template {
    const known = this.#templates.get(text)
    if (known !== undefined) return known
    const made = compile(text)
    if (this.#templates.size === MAX_TEMPLATES) this.#templates.clear()
    this.#templates.set(text, made)
    return made
  }
}

function writeShared(ink: Ink, slot: number, context: Context, time: number, ms: number): void {
  if (slot === TIME_SLOT) ink.time(time)
  else if (slot === TRACE_SLOT) ink.stamp(context.trace)
  else if (slot === MDC_SLOT) ink.stamp(context.mdc)
  else ink.clockMs(ms)
}

/* Returns where the next row begins. */
function writeRest(ink: Ink, { constants, slots, shared }: Template, context: Context, rows: Float64Array, at: number): number {
  let column = at + SLOTS
  for (let j = shared; j < slots.length; j++) {
    ink.stamp(constants[j] as Stencil)
    const slot = slots[j] as number
    if (slot === TEXT_SLOT) ink.record(rows[column++] as number)
    else if (slot === SEQ_SLOT) ink.integer(rows[at + SEQ] as number)
    else if (slot === CLOCK_COUNTER_SLOT) ink.clockCounter(rows[at + CLOCK_COUNTER] as number)
    else if (slot === MDC_SLOT) ink.stamp(context.mdc)
    else if (slot === TRACE_SLOT) ink.stamp(context.trace)
    else if (slot === CLOCK_SLOT) ink.clockMs(rows[at + CLOCK_MS] as number)
    else ink.number(rows[column++] as number)
  }
  ink.stamp(constants[slots.length] as Stencil)
  return column
}

/* The clock's second half, which differs from line to line, is a slot of its own here. */
const CLOCK_COUNTER_SLOT = 8
const SHARED_SLOTS: ReadonlySet<number> = new Set([TIME_SLOT, TRACE_SLOT, CLOCK_SLOT, MDC_SLOT])

function compile(text: string): Template {
  const constants: Stencil[] = []
  const slots: number[] = []
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= CLOCK_COUNTER_SLOT || code === 0) continue
    constants.push(stencilOf(text.slice(from, i)))
    slots.push(code)
    if (code === CLOCK_SLOT) {
      constants.push(stencilOf(''))
      slots.push(CLOCK_COUNTER_SLOT)
    }
    from = i + 1
  }
  constants.push(stencilOf(text.slice(from)))
  const varies = slots.findIndex((slot) => !SHARED_SLOTS.has(slot))
  const room = constants.reduce((sum, { length }) => sum + length, 0) + slots.length * NUMBER_ROOM
  return { constants, slots: Uint8Array.from(slots), shared: varies === -1 ? slots.length : varies, room }
}

function contextOf(text: string): Context {
  const end = text.indexOf(BEFORE_MDC)
  return end === -1 ? NO_CONTEXT : { trace: stencilOf(text.slice(0, end)), mdc: stencilOf(text.slice(end + 1)) }
}
