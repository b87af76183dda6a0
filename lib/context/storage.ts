import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { processWide } from '../internal/runtime'
import type { MdcFields } from './mdc'
import { rootOf, type TraceContext, type TraceRoot } from './trace-context'

/**
 * What the one `AsyncLocalStorage` holds for a flow.
 *
 * A scope is opened by a middleware, an interceptor, `runWithTrace`, `withSpan` or `mdc.with`, and lives as long as
 * anything that was started in it: it holds strings, small numbers and frozen records only, never a request or a body.
 */
export interface Scope {
  readonly context: TraceContext
  /** Shared by all scopes of this trace in this process. */
  readonly root: TraceRoot
  /** A frozen record, replaced as a whole by `mdc.put`; a child scope starts with the record of its parent. */
  mdc: MdcFields
  /** A place for another tracing system's context, opaque to us. */
  readonly foreign: unknown
  /** The span of the other tracing system that was active when this scope was opened. */
  readonly beside?: object | undefined
}

/** A flow outside any trace of ours that has the context of another tracing system. */
export interface ForeignFlow {
  readonly context?: undefined
  readonly foreign: unknown
}

/** Whatever a flow may be in; take it to come back to a flow, and `Scope` to say something in a trace. */
export type Flow = Scope | ForeignFlow

/** What lib/otel adds, when it is used: without it nothing here is ever called. */
export interface OtherTracer {
  /** The scope to see in a flow, with the ids of the other system's span if one is active. */
  view: ((flow: Flow | undefined) => Scope | undefined) | undefined
  /** The other system's span that is active in this flow. */
  span: (() => object | undefined) | undefined
  /** What a request that comes in under `parent` takes over from the flow in which it is told. */
  arrive: ((flow: Flow | undefined, parent: TraceContext | undefined) => Arrival) | undefined
}

/** What belongs to a request of the flow in which it came in. */
export interface Arrival {
  /** Whose `foreign` slot goes on; undefined if it is another request's. */
  readonly flow: Flow | undefined
  /** The context of the request with the ids of the span that the other system has opened for it, if those are wanted. */
  readonly adopt?: ((context: TraceContext) => TraceContext) | undefined
}

/** The other tracing system of this process. */
export const otherTracer: OtherTracer = processWide('other-tracer.1', () => ({
  view: undefined,
  span: undefined,
  arrive: undefined,
}))

/**
 * The only `AsyncLocalStorage` of the kit: on Node 20 and 22 each one slows down every `await` of the process.
 *
 * Only `run` is ever called on it. `enterWith`, which leaks into the caller when it is called before the first `await`, is for `attach` of the context
 * manager of lib/otel alone, which OpenTelemetry wants so.
 */
export const storage: AsyncLocalStorage<Flow | undefined> = processWide(
  'storage.1',
  () => new AsyncLocalStorage<Flow | undefined>(),
)

/** The scope of this flow, or undefined outside any trace. */
export function currentScope(): Scope | undefined {
  const flow = storage.getStore()
  if (otherTracer.view !== undefined) return otherTracer.view(flow)
  return flow?.context === undefined ? undefined : flow
}

/** What this flow is in, to come back to it by `runInScope`. */
export function currentFlow(): Flow | undefined {
  return storage.getStore()
}

/** A scope for `context`; `parent` gives the foreign slot, and the MDC unless `mdc` is given. */
export function scopeOf(context: TraceContext, parent: Flow | undefined, mdc: MdcFields): Scope {
  return { context, root: rootOf(context), mdc, foreign: parent?.foreign, beside: otherTracer.span?.() }
}

/** Calls `fn` in `scope` (undefined: outside any trace) and returns what it returns. */
export function runInScope<R>(scope: Flow | undefined, fn: () => R): R {
  return storage.run(scope, fn)
}

/* Remembers the state of every AsyncLocalStorage when the package was loaded, which is before any request. */
const outside = new AsyncResource('tracelane')

/**
 * Calls `fn` outside any trace, and outside whatever the application keeps in storages of its own, and returns what it returns.
 *
 * For timers and workers that outlive the flow that happened to need them first: Node keeps, for as long as they live, what every
 * storage held when they were made.
 */
export function runOutside<R>(fn: () => R): R {
  return outside.runInAsyncScope(() => runInScope(undefined, fn))
}
