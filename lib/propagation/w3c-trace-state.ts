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

const MAX_MEMBERS = 32
/** The specification asks for at least 512 characters to be carried; more than this is dropped before it is parsed. */
const MAX_LENGTH = 8192
/**
 * The size up to which everything is passed on: twice what the specification asks for, yet so little that a hostile caller
 * cannot make our own calls too large. Beyond it, members of more than 128 characters go first, then the last ones (3.3.1.5).
 */
const MAX_WRITTEN_LENGTH = 1024
const LONG_MEMBER = 128

/* key = ( lcalpha / DIGIT ) 0*255 ( lcalpha / DIGIT / "_" / "-" / "*" / "/" / "@" ), Level 2, 3.3.1.3.1 */
const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/
/* value = 0*255(chr) nblk-chr; chr = %x20-2B / %x2D-3C / %x3E-7E */
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * Parses a `tracestate` value. One wrong or repeated member, or more than 32, makes the whole header invalid, as the
 * specification says; the `traceparent` beside it stays valid.
 */
export function parseTraceState(header: string | undefined): TraceState {
  if (header === undefined || header.length > MAX_LENGTH) return NOTHING
  const others: string[] = []
  const keys = new Set<string>()
  let clock: string | undefined
  for (const piece of header.split(',')) {
    const member = trimWhiteSpace(piece)
    if (member === '') continue
    const equals = member.indexOf('=')
    const key = member.slice(0, Math.max(equals, 0))
    const value = member.slice(equals + 1)
    if (!KEY.test(key) || !VALUE.test(value) || keys.has(key) || keys.size === MAX_MEMBERS) return NOTHING
    keys.add(key)
    if (key === OUR_KEY) clock = value
    else others.push(member)
  }
  return { others: others.join(','), clock }
}

/** A `tracestate` value with our member first, because it was changed last (Level 2, 3.5), within the limits. */
export function formatTraceState(others: string, clock: string): string {
  const ours = `${OUR_KEY}=${clock}`
  if (others === '') return ours
  const members = others.split(',')
  const fits = ours.length + 1 + others.length <= MAX_WRITTEN_LENGTH && members.length < MAX_MEMBERS
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
