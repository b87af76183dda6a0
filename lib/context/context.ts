import { fieldsOfTrace, mergeFields, NO_FIELDS } from './mdc'
import { currentFlow, currentScope, type ForeignFlow, runInScope, scopeOf } from './storage'
import { childOf, newTrace, rootOf, type TraceContext } from './trace-context'

/* Outside any trace on purpose, which the doctor tells from a flow that has lost its trace. */
const DETACHED: ForeignFlow = Object.freeze({ foreign: undefined })

/** The trace context of this flow, a frozen value, or undefined outside any trace. */
export function currentTrace(): TraceContext | undefined {
  const context = currentScope()?.context
  return context === undefined ? undefined : Object.freeze(context)
}

/** The trace id of this flow (32 lower hex digits), or undefined outside any trace. */
export function currentTraceId(): string | undefined {
  return currentScope()?.context.traceId
}

/**
 * Calls `fn` in a new span under `parent`, or in a new trace if that is undefined, and returns what it returns. The fields
 * of an MDC around the call are kept when the trace goes on, and dropped when it is another one.
 */
export function runUnder<R>(parent: TraceContext | undefined, fn: () => R): R {
  const around = currentScope()
  const context = parent === undefined ? newTrace() : childOf(parent)
  const fields = around?.context.traceId === context.traceId ? around.mdc : fieldsOfTrace(rootOf(context))
  return runInScope(scopeOf(context, currentFlow(), fields), fn)
}

/**
 * Calls `fn` outside any trace and returns what it returns. For what is started inside a request but serves all of them:
 * a heartbeat, a refresh of a cache, a connection that is kept. Whatever `fn` starts stays outside too.
 */
export function detach<R>(fn: () => R): R {
  return runInScope(DETACHED, fn)
}

/**
 * Calls `fn` in a new trace and returns what it returns; each event of the new trace has the field `linkedTraceId`, the id
 * of the trace in which `forkTrace` was called. For what outlives the request that caused it and is a story of its own: a
 * subscription, a background job. Nothing else is handed on: no MDC, no baggage, no span of another tracing system.
 */
export function forkTrace<R>(fn: () => R): R {
  const linkedTraceId = currentTraceId()
  return runInScope(scopeOf(newTrace(), undefined, mergeFields(NO_FIELDS, { linkedTraceId })), fn)
}

/**
 * Ties `fn` to the flow in which `bindTrace` is called: whoever calls the returned function, and wherever, `fn` runs in
 * the trace of now. For callbacks that a library keeps and calls from elsewhere (pools, batchers, emitters).
 */
export function bindTrace<This, Args extends unknown[], R>(
  fn: (this: This, ...args: Args) => R,
): (this: This, ...args: Args) => R {
  const scope = currentFlow()
  function bound(this: This, ...args: Args): R {
    return runInScope(scope, () => fn.apply(this, args))
  }
  Object.defineProperty(bound, 'length', { value: fn.length, configurable: true })
  Object.defineProperty(bound, 'name', { value: `bound ${fn.name}`, configurable: true })
  return bound
}
