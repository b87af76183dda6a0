import { currentTrace, isTraceContext, runUnder, type TraceContext } from '../context'
import { counters } from '../diagnostics'
import { anyGetter, anySetter, type RecordCarrier } from './carriers'
import { compositePropagator } from './composite'
import { withLevel, writeLevel } from './trace-carrier'
import { w3cBaggage } from './w3c-baggage'
import { w3cTraceContext } from './w3c-trace-context'

/* Between parts of one system, so always in this form, whatever the process reads and writes on the wire. */
const W3C = [w3cTraceContext, w3cBaggage]
const serializedForm = compositePropagator({ extract: W3C, inject: W3C })

/**
 * A trace context as a plain object of texts, in the form of W3C trace context headers. It survives `postMessage`, JSON and
 * queues, and can be spread into the headers of a message.
 */
export interface SerializedTrace {
  readonly traceparent: string
  readonly tracestate?: string
  readonly baggage?: string
  readonly 'tracelane-clock'?: string
  readonly 'tracelane-level'?: string
}

/**
 * The trace of this flow as a plain object, for a worker thread, a queue or a child process; `runWithTrace` takes it there. Undefined
 * outside any trace.
 *
 * It names the current span itself, so that what the receiver does becomes a child of that; `injectTrace` names a span of its own for
 * the message. The MDC is not in it.
 */
export function serializeTrace(): SerializedTrace | undefined {
  const context = currentTrace()
  if (context === undefined) return undefined
  const carrier: RecordCarrier = {}
  serializedForm.inject(context, carrier, anySetter)
  writeLevel(context, carrier, anySetter)
  return carrier as unknown as SerializedTrace
}

/**
 * Calls `fn` in a trace and returns what it returns.
 *
 * With a parent (from `extractTrace` or `serializeTrace`, or a `currentTrace()` that was kept) `fn` runs in a new span under it, in the same
 * trace. Without one, or with undefined, `fn` runs in a new trace: a background job, a queue consumer. A serialized trace is validated like
 * the headers of a stranger: if it is wrong in any way, `fn` runs in a new trace and that is counted. The fields of an MDC
 * around the call are kept when the trace goes on, and dropped when it is another one.
 */
export function runWithTrace<R>(fn: () => R): R
export function runWithTrace<R>(parent: TraceContext | SerializedTrace | undefined, fn: () => R): R
export function runWithTrace<R>(parentOrFn: TraceContext | SerializedTrace | undefined | (() => R), maybeFn?: () => R): R {
  if (typeof parentOrFn === 'function') return runUnder(undefined, parentOrFn)
  return runUnder(isTraceContext(parentOrFn) ? parentOrFn : deserialized(parentOrFn), maybeFn as () => R)
}

function deserialized(trace: SerializedTrace | undefined): TraceContext | undefined {
  if (trace === undefined || trace === null) return undefined
  const { contextsRejected } = counters
  try {
    const carrier = trace as unknown as RecordCarrier
    const context = typeof trace === 'object' ? serializedForm.extract(carrier, anyGetter) : undefined
    if (context !== undefined) return withLevel(context, carrier, anyGetter)
  } catch {
    // A getter of the object threw: counted below as any other wrong one.
  }
  // `extract` counts a wrong text itself, but takes what has no text at all for headers without a trace.
  if (counters.contextsRejected === contextsRejected) counters.contextsRejected++
  return undefined
}
