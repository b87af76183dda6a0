import { dirname, resolve, sep } from 'node:path'
import { DateFormatProblem, dateFormat } from '../../layout'

/** Why a pattern cannot be used, in words that follow "'filePattern'". */
export class FilePatternProblem extends Error {}

/** What a file is by its name. */
export interface ArchiveName {
  /** The texts of all `%d`, as `periodAt` gives them. */
  readonly period: string
  /** The number of the period, as `ordinalOf` gives it. */
  readonly ordinal: number
  /** What stands for `%i`; 0 where there is none. */
  readonly index: number
  readonly form: 'plain' | 'gzip' | 'unfinished'
}

/** A pattern of file names, compiled. */
export interface FilePattern {
  readonly hasDate: boolean
  readonly hasIndex: boolean
  /** Whether finished files are compressed: the pattern ends in `.gz`. */
  readonly gzip: boolean
  /** The folder that is above all files. */
  readonly root: string
  /** For each part of a path below `root`, what it must look like. */
  readonly parts: readonly RegExp[]
  /** Names the period in which a time (ms since the epoch) falls. Without `%d` there is one period, ''. */
  periodAt(time: number): string
  /** Counts periods, so that their distance is the difference. */
  ordinalOf(period: string): number
  /** The path of a file, without `.gz`. Without `%i`, an index above 0 is put at the end. */
  pathOf(period: string, index: number): string
  /** What the file at `root` and `segments` is, undefined if it is none of the pattern's. */
  read(segments: readonly string[]): ArchiveName | undefined
}

type Token = string | { readonly date: DateToken } | { readonly index: true }

interface DateToken {
  readonly format: (time: number) => string
  readonly source: string
  readonly fields: readonly Field[]
}

type Field = 'y' | 'M' | 'd' | 'D' | 'H' | 'm' | 's'

/* What may stand in %d: numbers of a fixed width, so that names can be read back, and sorted. */
const FIELDS: Readonly<Record<string, readonly [Field, digits: number]>> = {
  ...{ yyyy: ['y', 4], uuuu: ['y', 4], MM: ['M', 2], dd: ['d', 2], DDD: ['D', 3], HH: ['H', 2], mm: ['m', 2], ss: ['s', 2] },
}
const LETTERS = /([A-Za-z])\1*|'[^']*'|[^A-Za-z']/g
/* The fields that are needed to know when it is: a day of which month, an hour of which day? */
const LADDERS: readonly (readonly Field[])[] = [
  ['y', 'M', 'd', 'H', 'm', 's'],
  ['y', 'D', 'H', 'm', 's'],
]
const UNIT_MS: Readonly<Record<Field, number>> = { y: 0, M: 0, d: 86_400_000, D: 86_400_000, H: 3_600_000, m: 60_000, s: 1_000 }
const CONVERSION = /%(?:d(?:\{(?<date>[^}]*)\})?|(?<index>i)|(?<percent>%)|(?<other>[\s\S]?))/g
const DEFAULT_DATE = 'yyyy-MM-dd'
const ENDING = String.raw`(?<ending>\.gz(?:\.[\d-]+\.tmp)?)?`

/** Compiles `pattern`, a path with `%d{yyyy-MM-dd}` and `%i` in it. Throws FilePatternProblem. */
export function filePattern(pattern: string, timezone: string | undefined): FilePattern {
  const gzip = pattern.endsWith('.gz')
  const tokens = tokensOf(resolve(gzip ? pattern.slice(0, -'.gz'.length) : pattern), timezone)
  const dates = tokens.flatMap((token) => (typeof token === 'object' && 'date' in token ? [token.date] : []))
  const indexes = tokens.filter((token) => typeof token === 'object' && 'index' in token).length
  if (dates.length === 0 && indexes === 0) throw new FilePatternProblem('needs a %d or a %i, or all files would have one name')
  if (indexes > 1) throw new FilePatternProblem('has %i more than once')
  const finest = finestOf(dates.flatMap(({ fields }) => fields))
  const [root, parts] = partsOf(tokens, indexes === 1)

  /* No unit is smaller than a second. */
  let second = Number.NaN
  let period = ''
  const periodAt = (time: number): string => {
    const now = Math.floor(time / 1000)
    if (now !== second) period = dates.map(({ format }) => format(now * 1000)).join('\n')
    second = now
    return period
  }
  const ordinal = (texts: readonly string[]): number => (finest === undefined ? 0 : ordinalOf(finest, dates, texts))
  return {
    ...{ hasDate: dates.length > 0, hasIndex: indexes === 1, gzip, root, parts },
    periodAt,
    ordinalOf: (name) => ordinal(name.split('\n')),
    pathOf(name, index) {
      const texts = name.split('\n')[Symbol.iterator]()
      const path = tokens.map((token) => (typeof token === 'string' ? token : 'date' in token ? texts.next().value : index))
      return path.join('') + (indexes === 1 || index === 0 ? '' : `.${index}`)
    },
    read(segments) {
      const found = segments.map((segment, i) => parts[i]?.exec(segment))
      if (found.length !== parts.length || found.some((match) => !match)) return undefined
      const groups = found.flatMap((match) => Object.entries(match?.groups ?? {}))
      const texts = groups.filter(([name]) => name.startsWith('date')).map(([, text]) => text)
      const get = (wanted: string): string | undefined => groups.find(([name]) => name === wanted)?.[1]
      const form = get('ending') === undefined ? 'plain' : get('ending') === '.gz' ? 'gzip' : 'unfinished'
      return { period: texts.join('\n'), ordinal: ordinal(texts), index: Number(get('index') ?? 0), form }
    },
  }
}

function tokensOf(pattern: string, timezone: string | undefined): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (const match of pattern.matchAll(CONVERSION)) {
    const { index, percent, other, date = DEFAULT_DATE } = match.groups ?? {}
    if (match.index > at) tokens.push(pattern.slice(at, match.index))
    at = match.index + match[0].length
    if (other !== undefined) throw new FilePatternProblem(`has %${other}; it may have %d{...}, %i and %%`)
    if (percent !== undefined) tokens.push('%')
    else tokens.push(index !== undefined ? { index: true } : { date: dateToken(date, timezone) })
  }
  if (at < pattern.length) tokens.push(pattern.slice(at))
  return tokens
}

function dateToken(date: string, timezone: string | undefined): DateToken {
  const fields: Field[] = []
  let source = ''
  for (const [part] of date.matchAll(LETTERS)) {
    const field = Object.hasOwn(FIELDS, part) ? FIELDS[part] : undefined
    if (field === undefined && /^[A-Za-z]/.test(part)) {
      throw new FilePatternProblem(
        `has '${part}' in %d{${date}}; it may have ${Object.keys(FIELDS).join(' ')}, so that names sort by time`,
      )
    }
    if (/[/\\]/.test(part)) throw new FilePatternProblem(`has a folder inside %d{${date}}; write %d{yyyy}/%d{MM}`)
    if (field !== undefined) fields.push(field[0])
    source += field === undefined ? escaped(part.replaceAll("'", '')) : `\\d{${field[1]}}`
  }
  try {
    return { format: dateFormat(date, timezone, 'en'), source, fields }
  } catch (error) {
    if (error instanceof DateFormatProblem) throw new FilePatternProblem(`has a %d that ${error.message}`)
    throw error
  }
}

/* The smallest unit, if all that are larger are there too. */
function finestOf(fields: readonly Field[]): Field | undefined {
  if (fields.length === 0) return undefined
  for (const ladder of LADDERS) {
    const steps = ladder.map((field) => fields.includes(field))
    const last = steps.lastIndexOf(true)
    if (fields.every((field) => ladder.includes(field)) && !steps.slice(0, last).includes(false)) return ladder[last]
  }
  throw new FilePatternProblem(
    'names a time that comes again: %d needs the year and all down to its smallest unit, as yyyy-MM-dd-HH',
  )
}

function ordinalOf(finest: Field, dates: readonly DateToken[], texts: readonly string[]): number {
  const at: Record<Field, number> = { y: 0, M: 1, d: 1, D: 0, H: 0, m: 0, s: 0 }
  dates.forEach(({ fields }, i) => {
    const numbers = texts[i]?.match(/\d+/g) ?? []
    fields.forEach((field, n) => {
      at[field] = Number(numbers[n])
    })
  })
  if (finest === 'y') return at.y
  if (finest === 'M') return at.y * 12 + at.M
  const day = at.D > 0 ? at.D : at.d
  return Math.floor(Date.UTC(at.y, at.D > 0 ? 0 : at.M - 1, day, at.H, at.m, at.s) / UNIT_MS[finest])
}

/* The folder that is always the same, and one expression for each part of the path below it. */
function partsOf(tokens: readonly Token[], hasIndex: boolean): [root: string, parts: RegExp[]] {
  const [first] = tokens
  const root = typeof first === 'string' ? dirname(`${first}x`) : resolve(sep)
  let dates = 0
  const sources = tokens.map((token, i) => {
    if (typeof token !== 'string')
      return 'date' in token ? `(?<date${dates++}>${token.date.source})` : String.raw`(?<index>\d{1,9})`
    return (i === 0 ? token.slice(root.endsWith(sep) ? root.length : root.length + 1) : token).split(sep).map(escaped).join('\n')
  })
  const parts = sources.join('').split('\n')
  const last = `${parts.pop()}${hasIndex ? '' : String.raw`(?:\.(?<index>\d{1,9}))?`}${ENDING}`
  return [root, [...parts, last].map((source) => new RegExp(`^${source}$`))]
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
