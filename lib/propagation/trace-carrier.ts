import { childOf, currentTrace, type TraceContext } from '../context'
import { counters } from '../diagnostics'
import { anyGetter, anySetter, type Carrier } from './carriers'
import type { Getter, Setter } from './propagator'
import { injectBaggage, withExtractedBaggage } from './w3c-baggage'
import { w3cTraceContext } from './w3c-trace-context'

/**
 * The caller's trace context in `carrier`, for `runWithTrace`; undefined if there is no valid one.
 *
 * The carrier may be a plain object with lower-case keys, `Headers`, a `Map` or gRPC `Metadata`; values may be strings, bytes or
 * arrays of them. Never throws: a carrier whose getters throw counts as one without a context.
 */
export function extractTrace(carrier: Carrier): TraceContext | undefined {
  return extractFrom(carrier, anyGetter)
}

/** `extractTrace` for a carrier with a getter of its own. */
export function extractFrom<C>(carrier: C, getter: Getter<C>): TraceContext | undefined {
  try {
    const context = w3cTraceContext.extract(carrier, getter)
    return context === undefined ? undefined : withExtractedBaggage(context, carrier, getter)
  } catch {
    counters.contextsRejected++
    return undefined
  }
}

/**
 * Writes the trace context of this flow, with a new span id for the message or call, into `carrier` and returns it. Outside any trace nothing
 * is written.
 */
export function injectTrace<C extends Carrier>(carrier: C): C {
  const context = currentTrace()
  if (context !== undefined) injectInto(childOf(context), carrier, anySetter)
  return carrier
}

/** Writes `context` as that of the calling span, baggage included, into a carrier with a setter of its own. */
export function injectInto<C>(context: TraceContext, carrier: C, setter: Setter<C>): void {
  w3cTraceContext.inject(context, carrier, setter)
  injectBaggage(context.baggage, carrier, setter)
}
