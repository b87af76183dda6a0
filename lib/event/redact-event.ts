import { types } from 'node:util'
import { mergeFields } from '../context'
import { noRedaction, type Redactor } from '../redaction'
import { errorToJson, fieldToJson, reasonOf, unreadable } from './json'
import type { LogEvent } from './log-event'
import { redactLine } from './redact-line'

type Fields = Readonly<Record<string, unknown>>

/**
 * A copy of `event` without what `redactor` calls secret, for layouts that write values themselves, those of the application too. Objects among
 * the fields become what the JSON layout makes of them; an error becomes another error of the same name. Never throws.
 */
export function redactEvent(event: LogEvent, redactor: Redactor): LogEvent {
  if (redactor === noRedaction) return event
  const { msg, mdc, fields, err, line } = event
  return {
    ...event,
    msg: redactor.text(msg),
    mdc: mergeFields(Object.create(null), redactFields(mdc, redactor) as typeof mdc),
    fields: fields === undefined ? undefined : redactFields(fields, redactor),
    err: err === undefined ? undefined : errorOfJson(errorToJson(err, redactor)),
    ...(line === undefined ? {} : { line: redactLine(line, redactor) }),
  }
}

function redactFields(fields: Fields, redactor: Redactor): Fields {
  const clean: Record<string, unknown> = {}
  try {
    for (const key of Object.keys(fields)) {
      const value = redactField(fields, key, redactor)
      if (value !== undefined)
        Object.defineProperty(clean, redactor.text(key), { value, enumerable: true, writable: true, configurable: true })
    }
  } catch (error) {
    // A proxy that does not tell its keys
    clean['fields'] = unreadable(error, redactor)
  }
  return clean
}

function redactField(fields: Fields, key: string, redactor: Redactor): unknown {
  let value: unknown
  try {
    value = fields[key]
  } catch (error) {
    return redactor.text(`[getter threw: ${reasonOf(error)}]`)
  }
  if (!redactor.isSecretField(key)) {
    if (typeof value === 'string') return redactor.text(value)
    const holdsSecrets = typeof value === 'object' && value !== null && !types.isDate(value) && !types.isUint8Array(value)
    if (!holdsSecrets) return value
  }
  const json = fieldToJson(key, value, redactor)
  return json === undefined ? undefined : JSON.parse(json)
}

/** What `errorToJson` has written as an error again: its name, message, stack, causes and own fields. */
export function errorOfJson(json: string): unknown {
  const view: unknown = JSON.parse(json)
  return asError(view) ?? view
}

function asError(view: unknown): Error | undefined {
  if (typeof view !== 'object' || view === null || !('type' in view) || !('message' in view)) return undefined
  const { type, message, stack, cause, errors, ...own } = view as Record<string, unknown>
  const error = Array.isArray(errors) ? new AggregateError(errors.map((one) => asError(one) ?? one)) : new Error()
  const hidden = { name: type, message, stack, ...(cause === undefined ? {} : { cause: asError(cause) ?? cause }) }
  for (const [key, value] of Object.entries(hidden))
    Object.defineProperty(error, key, { value, writable: true, configurable: true })
  return Object.assign(error, own)
}
