import { type ZoneOffset, zoneOffset } from './time-zone'

/** Writes an instant, in milliseconds since the epoch. */
export type DateFormat = (time: number) => string

/** Why a pattern or zone cannot be used, in words that follow "the date pattern". */
export class DateFormatProblem extends Error {}

/* What one letter run writes, from a Date whose UTC fields are the wall clock's. */
type Field = (wall: Date, time: number, offset: number) => string

/** What names of months, days and zones are written with. */
interface Names {
  readonly locale: string
  readonly zone: string | undefined
}

/* A part is fixed text, a field, or the number of digits of the fraction of the second. */
type Part = string | Field | number

/**
 * Compiles a pattern of java.time.format.DateTimeFormatter: `yyyy-MM-dd HH:mm:ss,SSS`, quotes around text.
 *
 * `zone` is as `zoneOffset` has it, `locale` a BCP 47 tag. All but the fraction is kept for a second, and the whole for a
 * millisecond. Throws DateFormatProblem for letters, zones and locales that it does not know.
 */
export function dateFormat(pattern: string, zone: string | undefined, locale: string): DateFormat {
  const offsetAt = zoneOffset(zone)
  if (offsetAt === undefined) {
    throw new DateFormatProblem(`names a time zone '${zone}' that Node does not know (put quotes around a pattern with a comma)`)
  }
  return cached(partsOf(pattern, { locale: checkedLocale(locale), zone }), offsetAt)
}

function cached(parts: readonly Part[], offsetAt: ZoneOffset): DateFormat {
  let lastTime = Number.NaN
  let lastText = ''
  let lastSecond = Number.NaN
  let fixed: (string | number)[] = []
  return (time) => {
    if (time === lastTime) return lastText
    const second = Math.floor(time / 1000)
    if (second !== lastSecond) {
      const offset = offsetAt(time)
      const wall = new Date(second * 1000 + offset)
      fixed = parts.map((part) => (typeof part === 'function' ? part(wall, time, offset) : part))
      lastSecond = second
    }
    const fraction = String(time - second * 1000).padStart(3, '0')
    lastText = ''
    for (const part of fixed) lastText += typeof part === 'string' ? part : fraction.slice(0, part).padEnd(part, '0')
    lastTime = time
    return lastText
  }
}

const TOKEN = /(?<letters>([A-Za-z])\2*)|'(?<quoted>(?:''|[^'])*)'|(?<other>[\s\S])/g

function partsOf(pattern: string, names: Names): Part[] {
  return [...pattern.matchAll(TOKEN)].map(({ groups }) => {
    const { letters, quoted, other = '' } = groups ?? {}
    if (letters !== undefined) return fieldOf(letters, names)
    if (quoted !== undefined) return quoted === '' ? "'" : quoted.replaceAll("''", "'")
    if ("'{}#[]".includes(other)) throw new DateFormatProblem(`has a ${other} that is not part of a text in quotes`)
    return other
  })
}

function fieldOf(letters: string, names: Names): Part {
  const [letter = ''] = letters
  const count = letters.length
  if (letter === 'S' && count <= 9) return count
  const number = Object.hasOwn(NUMBERS, letter) ? NUMBERS[letter] : undefined
  if (number !== undefined && count <= number.most) return (wall) => String(number.of(wall)).padStart(count, '0')
  const field = TEXTS[letter]?.(count, names)
  if (field === undefined) throw new DateFormatProblem(`has '${letters}', which is not among ${KNOWN}${hintFor(letter)}`)
  return field
}

function hintFor(letter: string): string {
  return 'YwWec'.includes(letter) ? "; for the year of the calendar write 'yyyy'" : ''
}

const KNOWN = 'yyyy yy MM MMM MMMM dd D EEE EEEE HH hh KK kk mm ss SSS a X x Z ZZZZ O VV z zzzz'

/* Numbers with leading zeros, and how many letters there may be. */
const NUMBERS: Readonly<Record<string, { readonly most: number; readonly of: (wall: Date) => number }>> = {
  d: { most: 2, of: (wall) => wall.getUTCDate() },
  D: {
    most: 3,
    of: (wall) =>
      (Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()) - Date.UTC(wall.getUTCFullYear(), 0, 0)) /
      86_400_000,
  },
  H: { most: 2, of: (wall) => wall.getUTCHours() },
  k: { most: 2, of: (wall) => wall.getUTCHours() || 24 },
  K: { most: 2, of: (wall) => wall.getUTCHours() % 12 },
  h: { most: 2, of: (wall) => wall.getUTCHours() % 12 || 12 },
  m: { most: 2, of: (wall) => wall.getUTCMinutes() },
  s: { most: 2, of: (wall) => wall.getUTCSeconds() },
}

const WIDTHS: Readonly<Record<number, 'short' | 'long'>> = { 3: 'short', 4: 'long' }

type FieldMaker = (count: number, names: Names) => Field | undefined

const TEXTS: Readonly<Record<string, FieldMaker | undefined>> = {
  y: year,
  u: year,
  M: (count, { locale }) => month(count, locale, { day: 'numeric' }),
  L: (count, { locale }) => month(count, locale, {}),
  E: (count, { locale }) => intlField('weekday', locale, { weekday: WIDTHS[Math.max(count, 3)] }),
  a: (count, { locale }) => (count === 1 ? intlField('dayPeriod', locale, { hour: 'numeric', hour12: true }) : undefined),
  X: (count) => (count <= 3 ? (_, __, offset) => (offset === 0 ? 'Z' : offsetText(offset, count)) : undefined),
  x: (count) => (count <= 3 ? (_, __, offset) => offsetText(offset, count) : undefined),
  Z: (count) => zoneDigits(count),
  O: (count) => (count === 1 || count === 4 ? (_, __, offset) => gmtText(offset, count === 4) : undefined),
  V: (count, { zone }) => (count === 2 ? () => zone ?? ownZone() : undefined),
  z: (count, { locale, zone }) => (count <= 4 ? zoneName(locale, zone, count === 4 ? 'long' : 'short') : undefined),
}

function year(count: number): Field {
  if (count === 2) return (wall) => String(wall.getUTCFullYear() % 100).padStart(2, '0')
  return (wall) => String(wall.getUTCFullYear()).padStart(count, '0')
}

function month(count: number, locale: string, beside: Intl.DateTimeFormatOptions): Field | undefined {
  if (count <= 2) return (wall) => String(wall.getUTCMonth() + 1).padStart(count, '0')
  return intlField('month', locale, { ...beside, month: WIDTHS[count] })
}

/* One part of what Intl writes for a wall clock; `options` with an undefined width are letters too many. */
function intlField(part: string, locale: string, options: Intl.DateTimeFormatOptions): Field | undefined {
  if (Object.values(options).includes(undefined)) return undefined
  const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
  return (wall) => format.formatToParts(wall).find(({ type }) => type === part)?.value ?? ''
}

function zoneName(locale: string, zone: string | undefined, width: 'short' | 'long'): Field {
  // Intl of Node 20 takes no offsets as zones; an offset is its own name.
  if (zone !== undefined && /^Z$|[+-]\d/.test(zone)) return () => zone
  const format = new Intl.DateTimeFormat(locale, { timeZoneName: width, timeZone: zone })
  return (_, time) => format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

function zoneDigits(count: number): Field | undefined {
  if (count <= 3) return (_, __, offset) => offsetText(offset, 2)
  if (count === 4) return (_, __, offset) => gmtText(offset, true)
  return count === 5 ? (_, __, offset) => (offset === 0 ? 'Z' : offsetText(offset, 3)) : undefined
}

/* 1: +01, +0530; 2: +0100; 3: +01:00 */
function offsetText(offset: number, style: number): string {
  const total = Math.abs(Math.round(offset / 60_000))
  const hours = `${offset < 0 ? '-' : '+'}${String(Math.floor(total / 60)).padStart(2, '0')}`
  const minutes = String(total % 60).padStart(2, '0')
  if (style === 1) return total % 60 === 0 ? hours : `${hours}${minutes}`
  return `${hours}${style === 3 ? ':' : ''}${minutes}`
}

function gmtText(offset: number, long: boolean): string {
  if (offset === 0) return 'GMT'
  const text = offsetText(offset, 3)
  return `GMT${long ? text : text.replace(/(?<=^.)0/, '').replace(/:00$/, '')}`
}

function checkedLocale(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? 'en'
  } catch {
    throw new DateFormatProblem(`names a locale '${locale}' that is no language tag`)
  }
}
