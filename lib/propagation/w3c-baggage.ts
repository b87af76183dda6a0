import { Baggage, type BaggageEntry } from '../context'
import { type Getter, joined, type Propagator, type Setter, trimWhiteSpace } from './propagator'

/** The header of W3C Baggage. */
export const BAGGAGE_HEADER = 'baggage'

/** Limits on what is carried, in and out: the least that the specification asks for (W3C Baggage, 3.3.2). */
const MAX_MEMBERS = 64
const MAX_LENGTH = 8192

/* key = token (RFC 9110, 5.6.2) */
const KEY = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/* value = *baggage-octet, with "%" for percent-encoding */
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/
/* Of properties only what cannot break a header: printable ASCII without the comma that ends a member. */
const PROPERTIES = /^[\x20-\x2b\x2d-\x7e]*$/

/**
 * Reads a `baggage` header. Members that break the grammar are left out one by one; beyond 64 members or 8192 bytes the
 * rest is left out, never part of a member. Percent-encoding that is not UTF-8 becomes U+FFFD.
 */
export function extractBaggage<C>(carrier: C, getter: Getter<C>): Baggage {
  const all = joined(getter.get(carrier, BAGGAGE_HEADER))
  if (all === undefined || all === '') return Baggage.empty
  // One character more than is carried shows where the last member is cut.
  const header = all.length > MAX_LENGTH ? all.slice(0, MAX_LENGTH + 1) : all
  const entries = new Map<string, BaggageEntry>()
  let start = 0
  while (start < header.length && entries.size < MAX_MEMBERS) {
    const comma = header.indexOf(',', start)
    const end = comma === -1 ? header.length : comma
    if (end > MAX_LENGTH) break
    const member = parseMember(header.slice(start, end))
    if (member !== undefined) entries.set(...member)
    start = end + 1
  }
  return entries.size === 0 ? Baggage.empty : new Baggage(entries)
}

/** Writes a `baggage` header, or none if there is nothing to say. Whole members only, within the limits. */
export function injectBaggage<C>(baggage: Baggage, carrier: C, setter: Setter<C>): void {
  if (baggage.size === 0) return
  const members: string[] = []
  let length = -1
  for (const [key, { value, properties }] of baggage.entries()) {
    if (!KEY.test(key)) continue
    const tail = properties === undefined || !PROPERTIES.test(properties) ? '' : `;${properties}`
    const member = `${key}=${encode(value)}${tail}`
    if (members.length === MAX_MEMBERS || length + 1 + member.length > MAX_LENGTH) continue
    members.push(member)
    length += 1 + member.length
  }
  if (members.length > 0) setter.set(carrier, BAGGAGE_HEADER, members.join(','))
}

/** W3C Baggage: key/values beside the trace, whichever format has its ids. */
export const w3cBaggage: Propagator = {
  fields: [BAGGAGE_HEADER],
  companion: true,

  extract() {
    return undefined
  },

  inject(context, carrier, setter) {
    injectBaggage(context.baggage, carrier, setter)
  },

  beside(carrier, getter) {
    const baggage = extractBaggage(carrier, getter)
    return baggage.size === 0 ? undefined : { baggage }
  },

  carries(carrier, getter) {
    return getter.get(carrier, BAGGAGE_HEADER) !== undefined
  },
}

function parseMember(text: string): [string, BaggageEntry] | undefined {
  const semicolon = text.indexOf(';')
  const pair = semicolon === -1 ? text : text.slice(0, semicolon)
  const equals = pair.indexOf('=')
  if (equals === -1) return undefined
  const key = trimWhiteSpace(pair.slice(0, equals))
  const value = trimWhiteSpace(pair.slice(equals + 1))
  if (!KEY.test(key) || !VALUE.test(value)) return undefined
  // A tab is white space here, yet gRPC metadata takes none.
  const properties = semicolon === -1 ? '' : trimWhiteSpace(text.slice(semicolon + 1)).replaceAll('\t', ' ')
  if (!PROPERTIES.test(properties)) return undefined
  return [key, { value: decode(value), properties: properties === '' ? undefined : properties }]
}

/* Percent-encodes whatever is no baggage-octet, and "%" itself; lone surrogates become U+FFFD first. */
function encode(value: string): string {
  return value.toWellFormed().replace(/[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]/gu, encodeURIComponent)
}

/* A "%" that is not followed by two hex digits stands for itself. */
function decode(value: string): string {
  if (!value.includes('%')) return value
  const bytes = Buffer.from(
    value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  return bytes.toString('utf8')
}
