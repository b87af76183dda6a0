import { types } from 'node:util'
import { childOf, currentScope, NO_FIELDS, newTrace, runInScope, scopeOf } from '../context'
import { failureText } from './failure'
import { type SpanRecord, spanEnded } from './span-end'

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
  const scope = scopeOf(context, around, around?.mdc ?? NO_FIELDS)
  const start = performance.now()
  const end = (outcome: SpanRecord['outcome'], error?: string): void =>
    spanEnded(scope, { kind: 'internal', name, outcome, durationMs: performance.now() - start, error })
  return runInScope(scope, () => {
    let result: R
    try {
      result = fn()
    } catch (thrown) {
      end('error', failureText(thrown))
      throw thrown
    }
    if (!types.isPromise(result)) {
      end('ok')
      return result
    }
    result.then(
      () => end('ok'),
      (reason: unknown) => end('error', failureText(reason)),
    )
    return result
  })
}
