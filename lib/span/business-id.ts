import { types } from 'node:util'
import { mergeFields, rootOf, runInScope, type Scope, scopeOf, TraceContext } from '../context'
import { counters } from '../diagnostics'

const MAX_BUSINESS_ID = 256

/**
 * `scope` with what `read` gives as MDC field `businessId`, and as baggage if it travels. `read` is the application's: if it
 * throws or gives no text, that is counted and `scope` stays as it is.
 */
export function withBusinessId(scope: Scope, read: () => unknown, travels: boolean): Scope {
  let given: unknown
  try {
    given = runInScope(scope, read)
  } catch {
    counters.userCallbackErrors++
    return scope
  }
  if (given === undefined || given === '') return scope
  if (typeof given !== 'string') {
    counters.userCallbackErrors++
    // An async callback is a mistake; its rejection would end the process.
    if (types.isPromise(given)) given.catch(() => undefined)
    return scope
  }
  const id = given.slice(0, MAX_BUSINESS_ID)
  const { context } = scope
  const baggage = travels ? context.baggage.with('business-id', id) : context.baggage
  const told = travels ? new TraceContext({ ...context, baggage }, rootOf(context)) : context
  return scopeOf(told, scope, mergeFields(scope.mdc, { businessId: id }))
}
