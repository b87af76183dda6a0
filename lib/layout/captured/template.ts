import { SLOT } from './format'
import { NUMBER_BYTES } from './number-bytes'

/** How many bytes a word has. */
export const WORD = 8

/** The clock's second half, which differs from line to line, is a slot of its own where lines are made. */
export const CLOCK_COUNTER = 9

/* What is the same for all events of one template, trace, MDC and millisecond. */
const SHARED_SLOTS: ReadonlySet<number> = new Set([SLOT.time, SLOT.traceId, SLOT.spanId, SLOT.clock, SLOT.mdc])

/**
 * A template as it is used: constants of which number `i` stands before slot `i`, the last one at the end.
 *
 * Constants are copied eight bytes at a time, as numbers. A number that is moved keeps its bits unless it is a NaN, and no UTF-8 text without DEL has
 * the bits of one.
 */
export interface Template {
  readonly slots: Uint8Array
  readonly words: Float64Array
  /** Where in `words` a constant begins; one more number for the end of the last. */
  readonly starts: Uint16Array
  /** How many bytes each constant has. */
  readonly lengths: Uint16Array
  /** How many slots, from the first on, are the same for all events of one trace, MDC and millisecond. */
  readonly shared: number
  /** How many bytes a line takes at most, without MDC and texts. */
  readonly room: number
}

/** Text eight bytes at a time. */
export function wordsOf(text: string): Float64Array {
  const words = new Float64Array(Math.ceil(Buffer.byteLength(text) / WORD))
  Buffer.from(words.buffer).write(text)
  return words
}

/** Reads a template. */
export function readTemplate(text: string): Template {
  const constants: string[] = []
  const slots: number[] = []
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > SLOT.number) continue
    constants.push(text.slice(from, i))
    slots.push(code)
    if (code === SLOT.clock) {
      constants.push('')
      slots.push(CLOCK_COUNTER)
    }
    from = i + 1
  }
  constants.push(text.slice(from))
  const parts = constants.map(wordsOf)
  const starts = new Uint16Array(parts.length + 1)
  parts.forEach((part, i) => {
    starts[i + 1] = (starts[i] as number) + part.length
  })
  const words = new Float64Array(starts[parts.length] as number)
  parts.forEach((part, i) => {
    words.set(part, starts[i])
  })
  const lengths = Uint16Array.from(constants, (constant) => Buffer.byteLength(constant))
  const varies = slots.findIndex((slot) => !SHARED_SLOTS.has(slot))
  const shared = varies === -1 ? slots.length : varies
  return { slots: Uint8Array.from(slots), words, starts, lengths, shared, room: words.byteLength + slots.length * NUMBER_BYTES }
}
