import { trimWhiteSpace } from './propagator'

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

const OURS_ALONE = /^tl=[0-9a-f]{16}$/

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
  if (OURS_ALONE.test(header)) return { others: '', clock: header.slice(OUR_KEY.length + 1) }
  const keys: string[] = []
  let others = ''
  let clock: string | undefined
  for (let start = 0, end = 0; start <= header.length; start = end + 1) {
    const comma = header.indexOf(',', start)
    end = comma === -1 ? header.length : comma
    const member = trimWhiteSpace(header.slice(start, end))
    if (member === '') continue
    const equals = member.indexOf('=')
    if (!isMember(member, equals)) return NOTHING
    const key = member.slice(0, equals)
    if (keys.includes(key) || keys.length === MAX_MEMBERS) return NOTHING
    keys.push(key)
    if (key === OUR_KEY) clock = member.slice(equals + 1)
    // Array.prototype.join would cost as much as all the rest.
    else others = others === '' ? member : `${others},${member}`
  }
  return { others, clock }
}

/* `member` has no white space at its ends, and `equals` is where its first "=" is, or -1. */
function isMember(member: string, equals: number): boolean {
  const length = member.length - equals - 1
  if (equals < 1 || equals > MAX_PART || length < 1 || length > MAX_PART) return false
  return (
    KEY_BEGINS[member.charCodeAt(0)] === 1 &&
    consistsOf(KEY_GOES_ON, member, 1, equals) &&
    consistsOf(IN_VALUE, member, equals + 1, member.length)
  )
}

function consistsOf(characters: Uint8Array, text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (characters[text.charCodeAt(i)] !== 1) return false
  return true
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
