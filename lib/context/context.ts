import { NO_FIELDS } from './mdc'
import { currentScope, runInScope, scopeOf } from './storage'
import { childOf, newTrace, type TraceContext } from './trace-context'

/** The trace context of this flow, or undefined outside any trace. */
export function currentTrace(): TraceContext | undefined {
  return currentScope()?.context
}

/** The trace id of this flow (32 lower hex digits), or undefined outside any trace. */
export function currentTraceId(): string | undefined {
  return currentScope()?.context.traceId
}

/**
 * Calls `fn` in a trace and returns what it returns.
 *
 * With a parent (from `extractTrace`, or a `currentTrace()` that was kept) `fn` runs in a new span under it, in the same
 * trace. Without one, or with undefined, `fn` runs in a new trace: a background job, a queue consumer. The fields of an MDC
 * around the call are kept when the trace goes on, and dropped when it is another one.
 */
export function runWithTrace<R>(fn: () => R): R
export function runWithTrace<R>(parent: TraceContext | undefined, fn: () => R): R
export function runWithTrace<R>(parentOrFn: TraceContext | undefined | (() => R), maybeFn?: () => R): R {
  const [parent, fn] = typeof parentOrFn === 'function' ? [undefined, parentOrFn] : [parentOrFn, maybeFn as () => R]
  const around = currentScope()
  const context = parent === undefined ? newTrace() : childOf(parent)
  const fields = around?.context.traceId === context.traceId ? around.mdc : NO_FIELDS
  return runInScope(scopeOf(context, around, fields), fn)
}

/**
 * Ties `fn` to the flow in which `bindTrace` is called: whoever calls the returned function, and wherever, `fn` runs in
 * the trace of now. For callbacks that a library keeps and calls from elsewhere (pools, batchers, emitters).
 */
export function bindTrace<This, Args extends unknown[], R>(
  fn: (this: This, ...args: Args) => R,
): (this: This, ...args: Args) => R {
  const scope = currentScope()
  function bound(this: This, ...args: Args): R {
    return runInScope(scope, () => fn.apply(this, args))
  }
  Object.defineProperty(bound, 'length', { value: fn.length, configurable: true })
  Object.defineProperty(bound, 'name', { value: `bound ${fn.name}`, configurable: true })
  return bound
}
