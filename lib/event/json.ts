import { types } from 'node:util'
import { counters } from '../diagnostics'

const MAX_DEPTH = 16

/* What must be escaped: JSON's own, and DEL and the C1 controls, which a terminal may obey. Lone surrogates are escaped by JSON.stringify. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const UNSAFE = /[\u0000-\u001f"\\\u007f-\u009f\ud800-\udfff]/
const C1 = /[\u007f-\u009f]/g

/** `text` as a JSON string in quotes: one line, without any control character. */
export function quote(text: string): string {
  if (!UNSAFE.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(C1, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
}

/**
 * Any value as JSON on one line. Never throws: a cycle, a throwing getter or `toJSON`, or nesting deeper than 16 is
 * replaced by a note in brackets; BigInt becomes a string, Map an object, Set an array, bytes base64, NaN and infinities strings,
 * `undefined`, functions and symbols a note.
 */
export function toJson(value: unknown): string {
  return write(value, [])
}

/** An error as `{ type, message, stack, cause? }`, with its own enumerable fields; anything else as `toJson` has it. */
export function errorToJson(error: unknown): string {
  return isError(error) ? writeError(error, []) : write(error, [])
}

function write(value: unknown, above: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean':
      return String(value)
    case 'bigint':
      return `"${value}"`
    case 'object':
      return value === null ? 'null' : writeObject(value, above)
    default:
      return quote(`[${typeof value}]`)
  }
}

function writeObject(value: object, above: readonly object[]): string {
  if (above.includes(value)) return note('cycle')
  if (above.length === MAX_DEPTH) return note('too deep')
  try {
    const inside = [...above, value]
    if (Array.isArray(value)) return `[${value.map((item) => write(item, inside)).join(',')}]`
    if (isError(value)) return writeError(value, above)
    if (value instanceof Map) return writeEntries(value.entries(), inside)
    if (value instanceof Set) return `[${[...value].map((item) => write(item, inside)).join(',')}]`
    if (value instanceof Uint8Array) return quote(Buffer.from(value).toString('base64'))
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return write(toJSON.call(value), inside)
    return writeFields(value, inside)
  } catch (error) {
    return note(`threw: ${reasonOf(error)}`)
  }
}

function writeFields(value: object, inside: readonly object[]): string {
  return `{${ownFields(value, inside).join(',')}}`
}

function ownFields(value: object, inside: readonly object[]): string[] {
  const parts: string[] = []
  for (const key of Object.keys(value)) {
    const written = writeField(value as Record<string, unknown>, key, inside)
    if (written !== undefined) parts.push(`${quote(key)}:${written}`)
  }
  return parts
}

function writeField(holder: Record<string, unknown>, key: string, inside: readonly object[]): string | undefined {
  try {
    const value = holder[key]
    return value === undefined ? undefined : write(value, inside)
  } catch (error) {
    return note(`getter threw: ${reasonOf(error)}`)
  }
}

function writeEntries(entries: Iterable<[unknown, unknown]>, inside: readonly object[]): string {
  const parts: string[] = []
  for (const [key, value] of entries) parts.push(`${quote(String(key))}:${write(value, inside)}`)
  return `{${parts.join(',')}}`
}

function writeError(error: Error, above: readonly object[]): string {
  if (above.includes(error)) return note('cycle')
  if (above.length === MAX_DEPTH) return note('too deep')
  const inside = [...above, error]
  try {
    const parts = [`"type":${quote(String(error.name || error.constructor.name))}`, `"message":${quote(String(error.message))}`]
    if (error.stack !== undefined) parts.push(`"stack":${quote(String(error.stack))}`)
    if (error.cause !== undefined) parts.push(`"cause":${write(error.cause, inside)}`)
    if (error instanceof AggregateError) parts.push(`"errors":${write(error.errors, inside)}`)
    const own = Object.keys(error).filter((key) => !ERROR_FIELDS.has(key))
    for (const key of own) {
      const written = writeField(error as unknown as Record<string, unknown>, key, inside)
      if (written !== undefined) parts.push(`${quote(key)}:${written}`)
    }
    return `{${parts.join(',')}}`
  } catch (failure) {
    return note(`threw: ${reasonOf(failure)}`)
  }
}

const ERROR_FIELDS: ReadonlySet<string> = new Set(['type', 'name', 'message', 'stack', 'cause', 'errors'])

/* `instanceof` knows the errors of one realm only; Jest and vm contexts have others. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value)
}

function note(text: string): string {
  counters.valuesReplaced++
  return quote(`[${text}]`)
}

/** What a thrown value says of itself. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'unknown'
  }
}
