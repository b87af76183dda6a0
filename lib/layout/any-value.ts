import { quote, toJson } from '../event'

const MAX_INT64 = 2n ** 63n

/**
 * A value as an `AnyValue` of OTLP in its JSON encoding: integers as decimal texts, bytes as base64, NaN and infinities by name.
 *
 * Nested values are those that the JSON layout would write, so what that cannot serialise is the same note here. Never throws.
 */
export function anyValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${quote(value)}}`
    case 'number':
      return numberValue(value)
    case 'boolean':
      return `{"boolValue":${value}}`
    case 'bigint':
      return value >= -MAX_INT64 && value < MAX_INT64 ? `{"intValue":"${value}"}` : `{"stringValue":"${value}"}`
    default:
      return isBytes(value) ? `{"bytesValue":${toJson(value)}}` : parsedValue(JSON.parse(toJson(value)))
  }
}

function numberValue(value: number): string {
  if (Number.isSafeInteger(value)) return `{"intValue":"${value}"}`
  return `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`
}

/* What JSON.parse made: no cycles, getters or proxies, and bounded. */
function parsedValue(value: unknown): string {
  if (value === null) return '{}'
  if (Array.isArray(value)) return `{"arrayValue":{"values":[${value.map(parsedValue).join(',')}]}}`
  if (typeof value !== 'object') return anyValue(value)
  const entries = Object.entries(value).map(([key, inner]) => `{"key":${quote(key)},"value":${parsedValue(inner)}}`)
  return `{"kvlistValue":{"values":[${entries.join(',')}]}}`
}

function isBytes(value: unknown): boolean {
  try {
    return value instanceof Uint8Array
  } catch {
    return false
  }
}
