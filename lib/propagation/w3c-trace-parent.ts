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
const ZERO = 0x30
const LOWER_F = 0x66

/** Parses a `traceparent` value; undefined for anything that the specification calls invalid. */
export function parseTraceParent(header: string): TraceParent | undefined {
  if (header.length > MAX_LENGTH) return undefined
  const text = trimWhiteSpace(header)
  if (text.length < VERSION_00_LENGTH || !hasDashes(text)) return undefined
  if (!isLowerHex(text, 0, 2) || isBoth(text, LOWER_F)) return undefined
  if (text.length > VERSION_00_LENGTH) {
    if (isBoth(text, ZERO) || text.charCodeAt(VERSION_00_LENGTH) !== DASH) return undefined
  }
  if (!isLowerHex(text, 3, 35) || isAllZero(text, 3, 35)) return undefined
  if (!isLowerHex(text, 36, 52) || isAllZero(text, 36, 52)) return undefined
  if (!isLowerHex(text, 53, 55)) return undefined
  return { traceId: text.slice(3, 35), parentId: text.slice(36, 52), flags: lowDigit(text.charCodeAt(54)) & KNOWN_FLAGS }
}

/** A `traceparent` value of version 00; flags that Level 2 does not define are written as zero. */
export function formatTraceParent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags & KNOWN_FLAGS}`
}

function hasDashes(text: string): boolean {
  return text.charCodeAt(2) === DASH && text.charCodeAt(35) === DASH && text.charCodeAt(52) === DASH
}

/* Whether both digits of the version are `code`. */
function isBoth(text: string, code: number): boolean {
  return text.charCodeAt(0) === code && text.charCodeAt(1) === code
}

/* The value of a hex digit: '0' is 0x30, 'a' is 0x61 and stands for 10. */
function lowDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57
}

function isLowerHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false
  }
  return true
}

function isAllZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) !== ZERO) return false
  return true
}
