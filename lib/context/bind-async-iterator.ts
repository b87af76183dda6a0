import { TracelaneError } from '../errors'
import { currentFlow, type Flow, runInScope } from './storage'

type Method = (...args: unknown[]) => unknown
type Source = Readonly<Record<PropertyKey, unknown>>

/* The rest of the protocol is optional, and a consumer looks whether it is there. */
const STEPS = ['next', 'return', 'throw']
/* Generators have it from Node 24 on, for `await using`. */
const DISPOSE: PropertyKey = Symbol.asyncDispose

/**
 * Ties an async generator, stream or other async iterable to the flow of now: whoever pulls, and from wherever, its body runs in the trace
 * of now. The consumer's loop stays in the consumer's own flow.
 *
 * Returns an iterable with the same `next`, `return`, `throw` and `Symbol.asyncDispose`; `source` itself is not changed. Throws ERR_TRACELANE_ARGUMENT_INVALID for
 * what cannot be iterated asynchronously.
 */
export function bindAsyncIterator<T, R, N>(source: AsyncGenerator<T, R, N>): AsyncGenerator<T, R, N>
export function bindAsyncIterator<T>(source: AsyncIterableIterator<T>): AsyncIterableIterator<T>
export function bindAsyncIterator<T>(source: AsyncIterable<T>): AsyncIterable<T>
export function bindAsyncIterator(source: unknown): unknown {
  const methods = (source ?? {}) as Source
  if (typeof methods[Symbol.asyncIterator] !== 'function') {
    const detail = 'bindAsyncIterator takes an async iterable; for an iterator that is not async, bind its next() with bindTrace'
    throw new TracelaneError('ERR_TRACELANE_ARGUMENT_INVALID', detail)
  }
  return bound(methods, currentFlow())
}

function bound(source: Source, scope: Flow | undefined): object {
  const iterable: Record<PropertyKey, unknown> = {}
  const within = (key: PropertyKey, after: (result: unknown) => unknown = (result) => result): void => {
    const method = source[key]
    if (typeof method !== 'function') return
    iterable[key] = (...args: unknown[]) => after(runInScope(scope, () => (method as Method).apply(source, args)))
  }
  // A readable stream has no `next`, and one of its other methods of these names would not be that of an iterator.
  if (typeof source['next'] === 'function') STEPS.forEach((key) => void within(key))
  within(DISPOSE)
  within(Symbol.asyncIterator, (inner) => (inner === source ? iterable : bound(inner as Source, scope)))
  return iterable
}
