import { counters } from '../diagnostics'
import { type LogEvent, reasonOf, toJson } from '../event'

/** Calls `each` with the name and value of every field of the call, reading each once; a getter that throws gives a note. */
export function eachField(fields: LogEvent['fields'], each: (key: string, value: unknown) => void): void {
  if (fields === undefined) return
  for (const key of namesIn(fields)) {
    const value = read(fields, key)
    if (value !== undefined) each(key, value)
  }
}

/** Calls `each` with what the line says beside the event's own fields: the MDC first, then the call's, which win. */
export function eachShown({ mdc, fields }: LogEvent, each: (key: string, value: unknown) => void): void {
  for (const key of Object.keys(mdc)) {
    if (!overrides(fields, key)) each(key, mdc[key])
  }
  eachField(fields, each)
}

/** A value in JSON as text: without the quotes that a string, a BigInt, a date or bytes have there. */
export function plainText(json: string): string {
  return json.startsWith('"') ? (JSON.parse(json) as string) : json
}

/* No separator, quote or control character, and nothing that could be other JSON. */
const BARE = /^[^\s"=\p{C}]+$/u

/** `key=value` that can be told apart from its neighbours: text with spaces, quotes or control characters is a JSON string. */
export function assignment(key: string, value: unknown): string {
  const json = toJson(value)
  const text = json.startsWith('"') ? json.slice(1, -1) : ''
  return `${key}=${BARE.test(text) ? text : json}`
}

/** The names of fields; none of a proxy that throws when it is asked, which is counted. */
export function namesIn(fields: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    return Object.keys(fields)
  } catch {
    counters.valuesReplaced++
    return []
  }
}

/** Whether a call has a field of that name, which wins over the MDC's. */
export function overrides(fields: LogEvent['fields'], key: string): boolean {
  try {
    return fields !== undefined && Object.hasOwn(fields, key)
  } catch {
    return false
  }
}

function read(fields: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return fields[key]
  } catch (error) {
    return `[getter threw: ${reasonOf(error)}]`
  }
}
