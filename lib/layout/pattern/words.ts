import { instance } from '../../event'
import { DateFormatProblem, dateFormat } from '../date-format'
import { abbreviator } from './abbreviate'
import { callerLineWord, fileWord, functionWord, lineWord, pathWord } from './caller-words'
import type { ConverterMaker } from './conversion'
import { rootFirstWord, stackWord } from './error-words'
import { fieldsWord, maskedPairsWord, mdcWord, pairsWord, propertyWord } from './field-words'
import { patternError } from './parse-pattern'

/* logback's own names of date patterns. */
const NAMED_DATES: Readonly<Record<string, string>> = {
  ISO8601: 'yyyy-MM-dd HH:mm:ss,SSS',
  STRICT: "yyyy-MM-dd'T'HH:mm:ss,SSS",
}

const dateWord: ConverterMaker = ({ options, column }, { timezone }) => {
  const [pattern = 'ISO8601', zone = timezone, locale = 'en'] = options
  try {
    const format = dateFormat(NAMED_DATES[pattern] ?? pattern, zone, locale)
    return ({ time }) => format(time)
  } catch (problem) {
    if (problem instanceof DateFormatProblem) throw patternError(column, `has a %d whose date pattern ${problem.message}`)
    throw problem
  }
}

const loggerWord: ConverterMaker = ({ options, column }, { show }) => {
  const [target] = options
  if (target === undefined) return ({ logger }) => show(logger)
  if (!/^\d{1,9}$/.test(target)) throw patternError(column, `wants a length for a logger's name, not '${target}'`)
  const shortened = abbreviator(Number(target))
  return ({ logger }) => show(shortened(logger))
}

const messageWord: ConverterMaker = (_, { show }) => {
  return ({ msg }) => show(msg)
}

const levelWord: ConverterMaker = () => {
  return ({ level }) => level.toUpperCase()
}

const threadWord: ConverterMaker = (_, { thread }) => {
  return () => thread
}

const relativeWord: ConverterMaker = (_, { startedAt }) => {
  return ({ time }) => String(time - startedAt)
}

const newlineWord: ConverterMaker = () => () => '\n'
const nothingWord: ConverterMaker = () => () => ''
const sequenceWord: ConverterMaker = () => (_, seq) => String(seq)

const OWN: Readonly<Record<string, ConverterMaker>> = {
  traceId: () => (event) => event.traceId ?? '',
  spanId: () => (event) => event.spanId ?? '',
  hlc: () => (event) => event.hlc,
  seq: sequenceWord,
  service: (_, { service = '', show }) => {
    const text = show(service)
    return () => text
  },
  pid: () => () => String(process.pid),
  host: (_, { host }) => {
    return () => host
  },
  instance: () => {
    const id = instance()
    return () => id
  },
  fields: fieldsWord,
}

/** The maker of each simple conversion word. Of several names of one word the first is its own. */
export const WORDS: Readonly<Record<string, ConverterMaker>> = {
  ...named(['date', 'd'], dateWord),
  ...named(['level', 'le', 'p'], levelWord),
  ...named(['logger', 'lo', 'c'], loggerWord),
  ...named(['message', 'msg', 'm'], messageWord),
  ...named(['thread', 't'], threadWord),
  ...named(['relative', 'r'], relativeWord),
  ...named(['mdc', 'X'], mdcWord),
  ...named(['ex', 'exception', 'throwable', 'xEx', 'xException', 'xThrowable'], stackWord),
  ...named(['rEx', 'rootException'], rootFirstWord),
  ...named(['nopex', 'nopexception'], nothingWord),
  ...named(['class', 'C'], pathWord),
  ...named(['method', 'M'], functionWord),
  ...named(['line', 'L'], lineWord),
  ...named(['file', 'F'], fileWord),
  caller: callerLineWord,
  kvp: pairsWord,
  maskedKvp: maskedPairsWord,
  property: propertyWord,
  ...named(['contextName', 'cn'], (_, { service = 'default', show }) => {
    const text = show(service)
    return () => text
  }),
  ...named(['sequenceNumber', 'sn'], sequenceWord),
  n: newlineWord,
  ...OWN,
}

/** Words that see to errors themselves; a pattern without any of them has the stack at its end. */
export const ERROR_WORDS: ReadonlySet<string> = new Set([
  ...['ex', 'exception', 'throwable', 'xEx', 'xException', 'xThrowable'],
  ...['rEx', 'rootException', 'nopex', 'nopexception'],
])

/** Words of logback for what is not here, and what to use. */
export const REFUSED: Readonly<Record<string, string>> = {
  marker: 'there are no markers; use a field',
  micros: 'times have milliseconds only',
  ms: 'times have milliseconds only',
  lsn: 'use %seq, the number of the event',
}

/** The name that `%prefix(...)` writes before a word; undefined for words that it leaves alone. */
export const PREFIX_NAMES: Readonly<Record<string, string>> = {
  ...names(['date', 'd']),
  ...names(['level', 'le', 'p']),
  ...names(['logger', 'lo', 'c']),
  ...names(['message', 'msg', 'm']),
  ...names(['thread', 't']),
  ...names(['relative', 'r']),
  ...names(['class', 'C']),
  ...names(['method', 'M']),
  ...names(['line', 'L']),
  ...names(['file', 'F']),
  ...names(['contextName', 'cn']),
  ...names(['sequenceNumber', 'sn']),
  ...names(['caller']),
  ...names(['kvp']),
  ...Object.fromEntries(Object.keys(OWN).map((word) => [word, word])),
}

function named(all: readonly string[], maker: ConverterMaker): Record<string, ConverterMaker> {
  return Object.fromEntries(all.map((name) => [name, maker]))
}

function names(all: readonly [string, ...string[]]): Record<string, string> {
  return Object.fromEntries(all.map((name) => [name, all[0]]))
}
