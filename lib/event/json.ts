import { types } from 'node:util'
import { counters } from '../diagnostics'

const MAX_DEPTH = 16
/*
 * How much of one value is written: each part counts 1, a string 1 more for each 256 characters. Objects that refer to each other
 * (entities of an ORM, sockets) have so many paths through them that 16 levels may be more than any machine can write.
 */
const MAX_PARTS = 100_000

let partsLeft = MAX_PARTS

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
 * Any value as JSON on one line. Never throws: a cycle, a throwing getter or `toJSON`, nesting deeper than 16 and what
 * comes after the first 100,000 values is replaced by a note in brackets; BigInt becomes a string, Map an object, Set an array, bytes base64, NaN and infinities strings,
 * `undefined`, functions and symbols a note.
 */
export function toJson(value: unknown): string {
  return typeof value === 'object' ? bounded(() => write(value, [])) : write(value, [])
}

/** An error as `{ type, message, stack, cause? }`, with its own enumerable fields; anything else as `toJson` has it. */
export function errorToJson(error: unknown): string {
  return bounded(() => (isError(error) ? writeError(error, []) : write(error, [])))
}

/* A getter or `toJSON` may log, and so come here again before the first value is finished. */
function bounded(work: () => string): string {
  const before = partsLeft
  partsLeft = MAX_PARTS
  try {
    return work()
  } finally {
    partsLeft = before
  }
}

function write(value: unknown, above: readonly object[]): string {
  partsLeft--
  switch (typeof value) {
    case 'string':
      partsLeft -= value.length >> 8
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
    if (Array.isArray(value)) return writeItems(value.length, (i) => value[i], inside)
    if (isError(value)) return writeError(value, above)
    if (value instanceof Map) return writeEntries(value.entries(), inside)
    if (value instanceof Set) {
      const items = value.values()
      return writeItems(value.size, () => items.next().value, inside)
    }
    if (value instanceof Uint8Array) return quote(Buffer.from(value).toString('base64'))
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return write(toJSON.call(value), inside)
    return writeFields(value, inside)
  } catch (error) {
    return note(`threw: ${reasonOf(error)}`)
  }
}

/* By index, because a hole in a sparse array has a place in the text too. */
function writeItems(count: number, itemAt: (i: number) => unknown, inside: readonly object[]): string {
  const parts: string[] = []
  for (let i = 0; i < count; i++) {
    if (partsLeft <= 0) {
      parts.push(note('too large'))
      break
    }
    parts.push(write(itemAt(i), inside))
  }
  return `[${parts.join(',')}]`
}

function writeFields(value: object, inside: readonly object[]): string {
  return `{${ownFields(value, inside).join(',')}}`
}

function ownFields(value: object, inside: readonly object[]): string[] {
  const parts: string[] = []
  for (const key of Object.keys(value)) {
    if (partsLeft <= 0) {
      parts.push(`"...":${note('too large')}`)
      break
    }
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
  for (const [key, value] of entries) {
    if (partsLeft <= 0) {
      parts.push(`"...":${note('too large')}`)
      break
    }
    parts.push(`${quote(String(key))}:${write(value, inside)}`)
  }
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
  try {
    return types.isNativeError(value) || value instanceof Error
  } catch {
    // A proxy that throws, or was revoked
    return false
  }
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
