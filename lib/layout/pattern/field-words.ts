import { type LogEvent, toJson } from '../../event'
import { assignment, eachField, plainText } from '../field-text'
import type { ConverterMaker } from './conversion'
import { patternError } from './parse-pattern'

const QUOTES: Readonly<Record<string, string>> = { DOUBLE: '"', SINGLE: "'", NONE: '' }
const MASK = 'X'.repeat(3)

/** `%X`, `%X{key}`, `%X{key:-default}`: the MDC, in which the ids of the trace are found too. */
export const mdcWord: ConverterMaker = ({ options }, { show }) => {
  const [option] = options
  if (option === undefined) return (event) => show(allEntries(event))
  const at = option.indexOf(':-')
  const key = at === -1 ? option : option.slice(0, at)
  const fallback = at === -1 ? '' : option.slice(at + 2)
  return (event) => {
    const value = entry(event, key)
    return value === undefined ? fallback : show(value)
  }
}

function entry({ traceId, spanId, mdc }: LogEvent, key: string): string | undefined {
  if (key === 'traceId') return traceId
  if (key === 'spanId') return spanId
  return Object.hasOwn(mdc, key) ? String(mdc[key]) : undefined
}

function allEntries(event: LogEvent): string {
  const keys = Object.keys(event.mdc).filter((key) => key !== 'traceId' && key !== 'spanId')
  const all = event.traceId === undefined ? keys : ['traceId', 'spanId', ...keys]
  return all.map((key) => `${key}=${entry(event, key)}`).join(', ')
}

/** `%kvp`, `%kvp{SINGLE}`, `%kvp{NONE}`: the fields of the call as logback writes key-value pairs. */
export const pairsWord: ConverterMaker = ({ options }, { show }) => {
  const quote = QUOTES[(options[0] ?? 'DOUBLE').toUpperCase()] ?? '"'
  return (event) => pairs(event, quote, [], show)
}

/** `%maskedKvp{NONE, password}`: the same with the values of these keys masked. */
export const maskedPairsWord: ConverterMaker = ({ options }, { show }) => {
  const quote = QUOTES[(options[0] ?? '').toUpperCase()]
  const masked = quote === undefined ? options : options.slice(1)
  return (event) => pairs(event, quote ?? '"', masked, show)
}

function pairs({ fields }: LogEvent, quote: string, masked: readonly string[], show: (text: string) => string): string {
  const texts: string[] = []
  eachField(fields, (key, value) => {
    const text = masked.includes(key) ? MASK : show(plainText(toJson(value)))
    texts.push(`${show(key)}=${quote}${text}${quote}`)
  })
  return texts.join(' ')
}

/** `%fields`: the fields of the call as `key=value`, values that could be misread as JSON. */
export const fieldsWord: ConverterMaker = (_, { show }) => {
  return ({ fields }) => {
    const texts: string[] = []
    eachField(fields, (key, value) => texts.push(show(assignment(key, value))))
    return texts.join(' ')
  }
}

/** `%property{key}`: of the layout's `properties`, else of the environment, else nothing. */
export const propertyWord: ConverterMaker = ({ options, column }, { properties, host }) => {
  const [key] = options
  if (key === undefined) throw patternError(column, 'has a %property without its key: %property{key}')
  const text = Object.hasOwn(properties, key) ? properties[key] : (process.env[key] ?? (key === 'HOSTNAME' ? host : ''))
  return () => text ?? ''
}
