import { isObject, type JsonObject } from './field-reader'

/* Nested values deeper than this come from nobody who means well. */
const MAX_DEPTH = 32

/**
 * The log records in one line of OTLP JSON, each as a flat record of its own under the names that `readLine` knows; undefined if
 * `line` is no such line. Attributes of the resource come first, those of the record win.
 */
export function otlpRecords(line: JsonObject): JsonObject[] | undefined {
  const { resourceLogs } = line
  if (!Array.isArray(resourceLogs)) return undefined
  return resourceLogs.flatMap((resource) => {
    const shared = attributesOf(objectIn(resource, 'resource'))
    return listIn(resource, 'scopeLogs').flatMap((scope) => {
      const logger = objectIn(scope, 'scope')['name']
      return listIn(scope, 'logRecords').map((record) => flat(record, shared, logger))
    })
  })
}

function flat(record: unknown, shared: JsonObject, logger: unknown): JsonObject {
  const { timeUnixNano, observedTimeUnixNano, severityNumber, severityText, body, traceId, spanId } = isObject(record)
    ? record
    : {}
  const {
    'exception.type': type,
    'exception.message': message,
    'exception.stacktrace': stack,
    ...attributes
  } = attributesOf(isObject(record) ? record : {})
  const err = type === undefined && message === undefined ? {} : { err: { type, message, stack } }
  const severity = severityText === undefined || severityText === '' ? { severityNumber } : { severityText }
  const time = millisecondsOf(timeUnixNano) ?? millisecondsOf(observedTimeUnixNano)
  return { ...shared, ...attributes, ...err, time, ...severity, logger, msg: textOf(body), traceId, spanId }
}

function attributesOf(holder: JsonObject): JsonObject {
  return entriesOf(listIn(holder, 'attributes'), 0)
}

function entriesOf(list: readonly unknown[], depth: number): JsonObject {
  const pairs = list.filter(isObject).filter(({ key }) => typeof key === 'string')
  return Object.fromEntries(pairs.map(({ key, value }) => [key, plainValue(value, depth)]))
}

function plainValue(value: unknown, depth: number): unknown {
  if (!isObject(value) || depth > MAX_DEPTH) return undefined
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = value
  if (intValue !== undefined) return Number.isSafeInteger(Number(intValue)) ? Number(intValue) : String(intValue)
  if (isObject(arrayValue)) return listIn(arrayValue, 'values').map((item) => plainValue(item, depth + 1) ?? null)
  if (isObject(kvlistValue)) return entriesOf(listIn(kvlistValue, 'values'), depth + 1)
  return stringValue ?? boolValue ?? doubleValue ?? bytesValue
}

function textOf(body: unknown): string | undefined {
  const value = plainValue(body, 0)
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
}

function millisecondsOf(nanoseconds: unknown): number | undefined {
  const text = String(nanoseconds)
  return /^[1-9]\d{6,}$/.test(text) ? Number(text.slice(0, -6)) : undefined
}

function listIn(holder: unknown, name: string): readonly unknown[] {
  const list = isObject(holder) ? holder[name] : undefined
  return Array.isArray(list) ? list : []
}

function objectIn(holder: unknown, name: string): JsonObject {
  const inner = isObject(holder) ? holder[name] : undefined
  return isObject(inner) ? inner : {}
}
