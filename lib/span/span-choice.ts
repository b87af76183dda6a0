import type { SpanRecord } from './span-end'

/** A field of the event at the end of a span that one can do without. */
export type SpanField = 'status' | 'peer' | 'error' | 'method' | 'route' | 'bytesSent'

/** Which events there are at the end of spans: none, those with all fields, or those with the named ones alone. */
export type SpanChoice = boolean | readonly SpanField[]

const FIELDS: readonly string[] = ['status', 'peer', 'error', 'method', 'route', 'bytesSent'] satisfies SpanField[]

/** Says what is wrong with the option `spans`. */
export function spanChoiceRule(value: unknown): string | undefined {
  const isChoice = typeof value === 'boolean' || (Array.isArray(value) && value.every((field) => FIELDS.includes(field)))
  return isChoice ? undefined : `true, false or a list of ${FIELDS.join(', ')}`
}

/** A checked choice with its default, good for the life of a server or client: a list is a copy. */
export function resolveSpanChoice(given: SpanChoice = true): SpanChoice {
  return typeof given === 'boolean' ? given : Object.freeze([...given])
}

/** `record` without the fields that were not chosen. Kind, name, outcome and duration stay, from which trees are drawn. */
export function chosenFields(record: SpanRecord, choice: SpanChoice): SpanRecord {
  if (typeof choice === 'boolean') return record
  const { kind, name, outcome, durationMs } = record
  return { kind, name, outcome, durationMs, ...Object.fromEntries(choice.map((field) => [field, record[field]])) }
}
