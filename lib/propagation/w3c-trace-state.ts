import { HybridClock } from '../context'
import { isWhiteSpace, trimWhiteSpace } from './propagator'

/** The `tracestate` header, split into our member and the others'. */
export interface TraceState {
  /** Other vendors' members, joined by commas, in the order received. */
  readonly others: string
  /** The value of our member `tl`: the sender's hybrid logical clock. */
  readonly clock: string | undefined
}

const NOTHING: TraceState = { others: '', clock: undefined }

/** The key of our member. */
const OUR_KEY = 'tl'
const OURS = `${OUR_KEY}=`
const OURS_ALONE = OURS.length + 16

const MAX_MEMBERS = 32
/** The specification asks for at least 512 characters to be carried; more than this is dropped before it is parsed. */
const MAX_LENGTH = 8192
/**
 * The size up to which everything is passed on: twice what the specification asks for, yet so little that a hostile caller
 * cannot make our own calls too large. Beyond it, members of more than 128 characters go first, then the last ones (3.3.1.5).
 */
const MAX_WRITTEN_LENGTH = 1024
const LONG_MEMBER = 128
const FEW_CHARACTERS = 128

/*
 *   key = ( lcalpha / DIGIT ) 0*255 ( lcalpha / DIGIT / "_" / "-" / "*" / "/" / "@" )      Level 2, 3.3.1.3.1
 *   value = 0*255(chr) nblk-chr; chr = %x20-2B / %x2D-3C / %x3E-7E                         3.3.1.3.2
 */
const MAX_PART = 256
const KEY_BEGINS = charactersOf(/[a-z0-9]/)
const KEY_GOES_ON = charactersOf(/[a-z0-9_\-*/@]/)
const IN_VALUE = charactersOf(/[\x20-\x2b\x2d-\x3c\x3e-\x7e]/)

/**
 * Parses a `tracestate` value. One wrong or repeated member, or more than 32, makes the whole header invalid, as the
 * specification says; the `traceparent` beside it stays valid.
 */
export function parseTraceState(header: string | undefined): TraceState {
  if (header === undefined || header.length > MAX_LENGTH) return NOTHING
  // What our own services send most of the time: our member and nothing else.
  if (header.length === OURS_ALONE && header.startsWith(OURS)) {
    const clock = header.slice(OURS.length)
    if (HybridClock.isClock(clock)) return { others: '', clock }
  }
  let keys = 0
  let clock: string | undefined
  /* Where the others begin, if they can be taken as they stand: without white space, empty members, and ours among them. */
  let others = 0
  for (let at = 0; at < header.length; at++) {
    const start = skipWhiteSpace(header, at)
    const equals = endOfKey(header, start)
    if (equals === start) {
      // An empty member is allowed, whatever else is no key is not.
      if (start < header.length && header.charCodeAt(start) !== COMMA) return NOTHING
      at = start
      others = NOT_AS_THEY_STAND
      continue
    }
    const end = endOfValue(header, equals)
    if (end === NO_VALUE || keys === MAX_MEMBERS) return NOTHING
    if (start !== at) others = NOT_AS_THEY_STAND
    at = skipWhiteSpace(header, end)
    if (at < header.length && header.charCodeAt(at) !== COMMA) return NOTHING
    if (at !== end) others = NOT_AS_THEY_STAND
    if (isRepeated(header, start, equals, keys)) return NOTHING
    if (equals - start === OUR_KEY.length && header.startsWith(OURS, start)) {
      clock = header.slice(equals + 1, end)
      others = keys === 0 && others === 0 ? at + 1 : NOT_AS_THEY_STAND
    }
    starts[keys] = start
    ends[keys] = equals
    keys++
  }
  // Nothing behind the last comma is an empty member too.
  if (header.endsWith(',')) others = NOT_AS_THEY_STAND
  return { others: others === NOT_AS_THEY_STAND ? withoutOurs(header) : header.slice(others), clock }
}

const NOT_AS_THEY_STAND = -1

/* Where the keys begin and end of the header that is parsed: a list of them would cost as much as all the rest. */
const starts = new Uint16Array(MAX_MEMBERS)
const ends = new Uint16Array(MAX_MEMBERS)

/* Whether one of the first `count` keys is the one from `start` to before `end`. */
function isRepeated(header: string, start: number, end: number, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const from = starts[i] as number
    if ((ends[i] as number) - from === end - start && header.startsWith(header.slice(start, end), from)) return true
  }
  return false
}

/* The members of a valid header, but for ours, without what may stand between them. */
function withoutOurs(header: string): string {
  const members = header.split(',').map(trimWhiteSpace)
  return members.filter((member) => member !== '' && !member.startsWith(OURS)).join(',')
}

const COMMA = 0x2c
const EQUALS = 0x3d
const SPACE = 0x20
const NO_VALUE = -1

/* Loops look at the length, because a character beyond the end is NaN, which makes them many times as slow. */

function skipWhiteSpace(text: string, from: number): number {
  let i = from
  while (i < text.length && isWhiteSpace(text.charCodeAt(i))) i++
  return i
}

/* Where the key that begins at `start` has its "=", or `start` if there is no key. */
function endOfKey(text: string, start: number): number {
  if (start === text.length || KEY_BEGINS[text.charCodeAt(start)] !== 1) return start
  let i = start + 1
  while (i < text.length && KEY_GOES_ON[text.charCodeAt(i)] === 1) i++
  return i < text.length && text.charCodeAt(i) === EQUALS && i - start <= MAX_PART ? i : start
}

/* Where the value ends that begins after `equals`, without the white space behind it; NO_VALUE if it is empty or too long. */
function endOfValue(text: string, equals: number): number {
  let i = equals + 1
  while (i < text.length && IN_VALUE[text.charCodeAt(i)] === 1) i++
  while (i > equals + 1 && text.charCodeAt(i - 1) === SPACE) i--
  const length = i - equals - 1
  return length < 1 || length > MAX_PART ? NO_VALUE : i
}

/* The ASCII characters that match `pattern`, as a table: two or three times as fast as the pattern. */
function charactersOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0))
}

/** A `tracestate` value with our member first, because it was changed last (Level 2, 3.5), within the limits. */
export function formatTraceState(others: string, clock: string): string {
  const ours = `${OUR_KEY}=${clock}`
  if (others === '') return ours
  const length = ours.length + 1 + others.length
  // A member takes at least three characters and a comma, so that few characters are few members.
  if (length <= FEW_CHARACTERS) return `${ours},${others}`
  const members = others.split(',')
  const fits = length <= MAX_WRITTEN_LENGTH && members.length < MAX_MEMBERS
  return fits ? `${ours},${others}` : shortened([ours, ...members]).join(',')
}

function shortened(members: string[]): string[] {
  const kept = [...members]
  const length = (): number => kept.reduce((sum, member) => sum + member.length + 1, -1)
  for (let i = kept.length - 1; i > 0 && length() > MAX_WRITTEN_LENGTH; i--) {
    if ((kept[i] as string).length > LONG_MEMBER) kept.splice(i, 1)
  }
  while (kept.length > 1 && (kept.length > MAX_MEMBERS || length() > MAX_WRITTEN_LENGTH)) kept.pop()
  return kept
}
