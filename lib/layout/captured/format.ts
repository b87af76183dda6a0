/*
 * How a batch of captured events lies in a frame. Written by CaptureCodec on the thread that logs, read by CapturedRenderer where lines are written. A frame has
 * all that its lines need.
 *
 *   dictionary   templates \x1e MDCs \x1e traces   templates and MDCs with \0 between them; a trace is 48 ASCII characters, trace id and span id
 *   rows         for each event the columns below and one for each text and number of its template; for a text, its length in bytes
 *   records      the texts of all events one after the other, without anything between them
 *
 * A template is the line itself with one character of SLOT in the place of each part that is not the same on each line. These are control characters,
 * which JSON text does not have.
 */

/** What stands in a template where lines differ. */
export const SLOT = {
  /** The time of the row. */
  time: 1,
  /** The trace id of the row's trace. */
  traceId: 2,
  /** Its span id. */
  spanId: 3,
  /** The hybrid logical clock of the row: 12 and 4 hex digits. */
  clock: 4,
  /** The place of the event in the sequence. */
  seq: 5,
  /** The MDC of the row: JSON members, each with a comma before it. */
  mdc: 6,
  /** The next bytes of the records, as many as the slot's column says. */
  text: 7,
  /** The number in the slot's column. */
  number: 8,
} as const

/** The character of a slot in a template. */
export function slotText(slot: keyof typeof SLOT): string {
  return String.fromCharCode(SLOT[slot])
}

export const BETWEEN_ENTRIES = '\0'
export const BETWEEN_SECTIONS = '\x1e'

/** How long ids are. */
export const TRACE_ID_LENGTH = 32
export const SPAN_ID_LENGTH = 16

/** The columns of a row before those of its slots; template, mdc and trace are places in the dictionary. */
export const COLUMN = { template: 0, mdc: 1, trace: 2, time: 3, clockMs: 4, clockCounter: 5, seq: 6, slots: 7 } as const

/** How many columns a row has at most. */
export const MAX_COLUMNS = 64

/** Of longer texts a small batch could make more lines than the memory holds. */
export const MAX_SHARED = 4096
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f]/

/** Whether a text can stand in a dictionary: it is not long, and has no control character. */
export function isSharable(text: string): boolean {
  return text.length <= MAX_SHARED && !CONTROL.test(text)
}

/** How many characters one event adds to a dictionary at most: a template with the names of its fields, and a context. */
export const MAX_ADDED = 4 * MAX_SHARED
