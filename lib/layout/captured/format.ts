/*
 * How a batch of captured events lies in a frame. Written by capture-codec.ts on the thread that logs, read by captured-renderer.ts where lines are
 * written. A frame has all that its lines need.
 *
 *   dictionary   template \0 template ... \x1e context \0 context ...     a context is: trace \x1f MDC, both JSON members with their commas
 *   rows         for each event the columns below and one for each slot of its template, which for a text is its length in UTF-16 units
 *   records      the texts of all events one after the other, without anything between them
 *
 * A template is the line itself with one character of SLOT in the place of each part that is not the same on each line. These are control characters,
 * which JSON text does not have.
 */

/** What stands in a template where lines differ. */
export const SLOT = {
  /** The time of the row. */
  time: 1,
  /** The trace of the row's context. */
  trace: 2,
  /** The hybrid logical clock of the row: 16 hex digits. */
  clock: 3,
  /** The place of the event in the sequence. */
  seq: 4,
  /** The MDC of the row's context. */
  mdc: 5,
  /** The next characters of the records, as many as the slot's column says. */
  text: 6,
  /** The number in the slot's column. */
  number: 7,
} as const

/** The character of a slot in a template. */
export function slotText(slot: keyof typeof SLOT): string {
  return String.fromCharCode(SLOT[slot])
}

export const BETWEEN_ENTRIES = '\0'
export const BEFORE_CONTEXTS = '\x1e'
export const BEFORE_MDC = '\x1f'

/** The columns of a row before those of its slots. */
export const COLUMN = { template: 0, context: 1, time: 2, clockMs: 3, clockCounter: 4, seq: 5, slots: 6 } as const

/** How many columns a row has at most. */
export const MAX_COLUMNS = 64

/* Of longer texts a small batch could make more lines than the memory holds. */
export const MAX_SHARED = 4096
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f]/

/** Whether a text can stand in a dictionary: it is not long, and has no control character. */
export function isSharable(text: string): boolean {
  return text.length <= MAX_SHARED && !CONTROL.test(text)
}

/** How many characters one event adds to a dictionary at most: a template with the names of its fields, and a context. */
export const MAX_ADDED = 4 * MAX_SHARED
