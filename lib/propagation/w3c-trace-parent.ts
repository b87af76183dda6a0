import { trimWhiteSpace } from './propagator'

/** The fields of a valid `traceparent`. */
export interface TraceParent {
  readonly traceId: string
  readonly parentId: string
  /** The flags that this version knows: sampled and random; all others read as zero. */
  readonly flags: number
}

/*
 * traceparent, W3C trace context Level 2, 3.2:
 *
 *   0  2 3                                35 36             52 53 55
 *   vv - tttttttttttttttttttttttttttttttt -  pppppppppppppppp -  ff    version 00: exactly 55 characters
 *                                                                      later versions: end, or "-" and anything
 */
const VERSION_00_LENGTH = 55
const MAX_LENGTH = 512
const KNOWN_FLAGS = 0x03
const DASH = 0x2d

/** Parses a `traceparent` value; undefined for anything that the specification calls invalid. */
export function parseTraceParent(header: string): TraceParent | undefined {
  // Of exactly this length, white space would make it too short.
  const text = header.length === VERSION_00_LENGTH ? header : trimmed(header)
  if (text.length < VERSION_00_LENGTH || !hasDashes(text) || !isVersion(text)) return undefined
  // Whatever is no digit shows in what all characters have together, so nothing is asked of each. Beyond latin1 it is in `characters`.
  let characters = 0
  let trace = 0
  for (let i = 3; i < 35; i++) {
    const code = text.charCodeAt(i)
    characters |= code
    trace |= DIGITS[code & 0xff] as number
  }
  let parent = 0
  for (let i = 36; i < 52; i++) {
    const code = text.charCodeAt(i)
    characters |= code
    parent |= DIGITS[code & 0xff] as number
  }
  const flags = digitAt(text, 54)
  if (trace === 0 || parent === 0 || (trace | parent | digitAt(text, 53) | flags) > LARGEST || characters > 0xff) return undefined
  return { traceId: text.slice(3, 35), parentId: text.slice(36, 52), flags: flags & KNOWN_FLAGS }
}

/** A `traceparent` value of version 00; flags that Level 2 does not define are written as zero. */
export function formatTraceParent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags & KNOWN_FLAGS}`
}

function trimmed(header: string): string {
  return header.length > MAX_LENGTH ? '' : trimWhiteSpace(header)
}

function hasDashes(text: string): boolean {
  return text.charCodeAt(2) === DASH && text.charCodeAt(35) === DASH && text.charCodeAt(52) === DASH
}

/* `ff` is forbidden, `00` ends where it ends, and whatever is later may go on after a dash. */
function isVersion(text: string): boolean {
  const high = digitAt(text, 0)
  const low = digitAt(text, 1)
  if ((high | low) > LARGEST || (high & low) === LARGEST) return false
  return text.length === VERSION_00_LENGTH || ((high | low) !== 0 && text.charCodeAt(VERSION_00_LENGTH) === DASH)
}

/* The value of each lower hex digit by its character; whatever is none has a bit that no digit has. Beyond latin1 that is a bit of the character itself. */
const LARGEST = 0xf
const NO_DIGIT = 0x10
const DIGITS = new Uint8Array(0x100).fill(NO_DIGIT)
for (let digit = 0; digit <= LARGEST; digit++) DIGITS[digit.toString(16).charCodeAt(0)] = digit

function digitAt(text: string, i: number): number {
  const code = text.charCodeAt(i)
  return (DIGITS[code & 0xff] as number) | ((code >> 8) << 4)
}
