import { childOf, currentFlow, currentScope, NO_FIELDS, newTrace, scopeOf } from '../context'
import { spanEnded } from './span-end'
import { runTimed } from './timed'

/**
 * Calls `fn` in a child span called `name` and returns what it returns; a new trace begins if there is none.
 *
 * The span ends when `fn` returns or throws, or when the promise that it returned settles; then one event says how long it
 * took and how it went. A thenable that is no promise (a query builder) is returned untouched: awaiting it twice would run
 * it twice. What `fn` puts into the MDC is not seen outside.
 */
export function withSpan<R>(name: string, fn: () => R): R {
  const around = currentScope()
  const context = around === undefined ? newTrace() : childOf(around.context)
  const scope = scopeOf(context, currentFlow(), around?.mdc ?? NO_FIELDS)
  return runTimed(scope, fn, (end) => spanEnded(scope, { kind: 'internal', name, ...end }))
}
