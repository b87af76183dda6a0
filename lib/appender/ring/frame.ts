/*
 * A frame is one batch, and all that there is to know of it: a thread that has just started, or the main thread at the end of the process, can
 * read any frame alone.
 *
 *    0  size of the frame in bytes, this header and padding to 8 included
 *    4  kind
 *    8  flags
 *   12  number of events
 *   16  bytes of the dictionary
 *   20  bytes of the text
 *   24  words in a row
 *   28  highest severity in it
 *   32  first seq                 (float64)
 *   40  when it was handed over   (float64, ms since the epoch)
 *   48  number of the payload, if that is outside of the ring
 *   52  number of columns
 *   56  columns: float64, what the values of captured events came to; see lib/layout/captured
 *       rows: a fixed number of Int32 for each event
 *       dictionary, text          UTF-8
 */

/** Kinds of frames. */
export const FRAME = {
  /** Nothing: what is left at the end of the ring where the next frame does not fit. */
  pad: 0,
  /** Finished lines: the text is what the sink gets, as it lies in the ring. */
  lines: 1,
  /** Captured values, which the reader makes lines of. */
  captured: 2,
  /** Finished lines that are too large for the ring and come by message; the frame keeps their place. */
  outside: 3,
  /** No events: from here on they lie in the spool, until that is empty. The last frame as long as events go there. */
  spilled: 4,
} as const

export type FrameKind = (typeof FRAME)[keyof typeof FRAME]

/** Set in the flags of a frame whose events are to be on the disk, not only with the operating system, when it is resolved. */
export const SYNC = 1

/** Bytes before the rows. */
export const HEADER_BYTES = 56

/** Places in the header, in words of 4 bytes. */
export const HEADER = {
  size: 0,
  kind: 1,
  flags: 2,
  events: 3,
  dictionary: 4,
  text: 5,
  rowWords: 6,
  severity: 7,
  payload: 12,
  columns: 13,
} as const

/** Places in the header, in words of 8 bytes. */
export const HEADER_FLOAT = { firstSeq: 4, time: 5 } as const

/** The words of a row. Captured events have the first two only: the others are among their columns. */
export const ROW = {
  /** The part of the text that is this event's, in UTF-16 units. */
  length: 0,
  /** Its severity. */
  severity: 1,
  /** Its `seq`, less the first one of the frame. */
  seq: 2,
  /** Which of the trace ids in the dictionary; -1: none. */
  trace: 3,
  words: 4,
} as const

/** Bytes of a trace id in the dictionary of a frame of lines. */
export const TRACE_ID_BYTES = 32

/** Bytes of a word of a row. */
export const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT
/** Bytes of a column. */
export const FLOAT_BYTES = Float64Array.BYTES_PER_ELEMENT

/** `bytes` and what it takes to the next multiple of 8. */
export function padded(bytes: number): number {
  return (bytes + 7) & ~7
}
