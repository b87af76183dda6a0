import { counters } from '../diagnostics'
import { currentScope, runInScope, scopeOf } from './storage'
import type { TraceRoot } from './trace-context'

/** A value that can be put on every event of a flow. */
export type MdcValue = string | number | boolean | null

/** Key/values added to each log event of a flow. A frozen record without prototype. */
export type MdcFields = Readonly<Record<string, MdcValue>>

/** No fields. */
export const NO_FIELDS: MdcFields = Object.freeze(Object.create(null) as Record<string, MdcValue>)

/** A frozen copy of `base` with `fields` over it; a field that is undefined is left out. */
export function mergeFields(base: MdcFields, fields: Readonly<Record<string, MdcValue | undefined>>): MdcFields {
  const merged = Object.assign(Object.create(null) as Record<string, MdcValue>, base)
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) merged[key] = value
  return Object.freeze(merged)
}

/** The fields with which every scope begins that takes up a trace: the correlation id, if the caller sent one. */
export function fieldsOfTrace({ correlationId }: Pick<TraceRoot, 'correlationId'>): MdcFields {
  return correlationId === undefined ? NO_FIELDS : mergeFields(NO_FIELDS, { correlationId })
}

/**
 * Mapped diagnostic context: key/values that are added to each log event of this flow, in this process only. What shall
 * travel to other services is baggage.
 *
 * `put` changes the nearest scope (the request, or the `withSpan`, `runWithTrace` or `mdc.with` around it) for everything that
 * runs in it from then on; scopes opened before keep the fields that they started with. Outside any trace `put` and
 * `delete` do nothing and are counted.
 */
export const mdc = {
  /** Adds or replaces a field of the nearest scope. */
  put(key: string, value: MdcValue): void {
    const scope = currentScope()
    if (scope === undefined) counters.mdcOutsideTrace++
    else scope.mdc = mergeFields(scope.mdc, { [key]: value })
  },

  /** The field's value in this flow, or undefined. */
  get(key: string): MdcValue | undefined {
    return currentScope()?.mdc[key]
  },

  /** Removes a field of the nearest scope. */
  delete(key: string): void {
    const scope = currentScope()
    if (scope === undefined) {
      counters.mdcOutsideTrace++
      return
    }
    const { [key]: _removed, ...rest } = scope.mdc
    scope.mdc = mergeFields(NO_FIELDS, rest)
  },

  /** All fields of this flow, as a frozen record. */
  fields(): MdcFields {
    return currentScope()?.mdc ?? NO_FIELDS
  },

  /**
   * Calls `fn` in a scope of its own that has `fields` too, and returns what it returns. What `fn` puts is not seen
   * outside. Outside any trace `fn` is called as it is, and that is counted.
   */
  with<R>(fields: Readonly<Record<string, MdcValue | undefined>>, fn: () => R): R {
    const scope = currentScope()
    if (scope === undefined) {
      counters.mdcOutsideTrace++
      return fn()
    }
    return runInScope(scopeOf(scope.context, scope, mergeFields(scope.mdc, fields)), fn)
  },
} as const
