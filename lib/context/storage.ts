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
}

/**
 * The only `AsyncLocalStorage` of the kit: on Node 20 and 22 each one slows down every `await` of the process.
 *
 * Only `run` is ever called on it. `enterWith` is not: it leaks into the caller when it is called before the first `await`.
 */
export const storage: AsyncLocalStorage<Scope | undefined> = processWide(
  'storage.1',
  () => new AsyncLocalStorage<Scope | undefined>(),
)

/** The scope of this flow, or undefined outside any trace. */
export function currentScope(): Scope | undefined {
  return storage.getStore()
}

/** A scope for `context`; `parent` gives the foreign slot, and the MDC unless `mdc` is given. */
export function scopeOf(context: TraceContext, parent: Scope | undefined, mdc: MdcFields): Scope {
  return { context, root: rootOf(context), mdc, foreign: parent?.foreign }
}

/** Calls `fn` in `scope` (undefined: outside any trace) and returns what it returns. */
export function runInScope<R>(scope: Scope | undefined, fn: () => R): R {
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
