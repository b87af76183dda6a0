import { childOf, currentScope, type TraceContext } from '../context'
import { counters } from '../diagnostics'
import { type Carrier, getterOf, setterOf } from './carriers'
import { carriesContext } from './composite'
import { propagation } from './configure'
import type { Beside, Getter, Setter } from './propagator'

/**
 * The caller's trace context in `carrier`, for `runWithTrace`; undefined if there is no valid one. It is read in the formats that
 * `configurePropagation` named, W3C's by default.
 *
 * The carrier may be a plain object with lower-case keys, a list of such objects (Kafka), `Headers`, a `Map` or gRPC `Metadata`;
 * values may be strings, bytes or arrays of them. Never throws: a carrier whose getters throw counts as one without a context.
 */
export function extractTrace(carrier: Carrier): TraceContext | undefined {
  try {
    return propagation.composite.extract(carrier, getterOf(carrier))
  } catch {
    counters.contextsRejected++
    return undefined
  }
}

/** `extractTrace` for a carrier with a getter of its own. */
export function extractFrom<C>(carrier: C, getter: Getter<C>): TraceContext | undefined {
  try {
    return propagation.composite.extract(carrier, getter)
  } catch {
    counters.contextsRejected++
    return undefined
  }
}

/** What a carrier without a context says beside it. Never throws. */
export function besideIn<C>(carrier: C, getter: Getter<C>): Beside | undefined {
  try {
    return propagation.composite.beside?.(carrier, getter)
  } catch {
    return undefined
  }
}

/**
 * Writes the trace context of this flow, with a new span id for the message or call, into `carrier` and returns it. Outside any trace nothing
 * is written.
 */
export function injectTrace<C extends Carrier>(carrier: C): C {
  const context = currentScope()?.context
  if (context !== undefined) injectInto(childOf(context), carrier, setterOf(carrier))
  return carrier
}

/** Writes `context` as that of the calling span, in every format that is written, into a carrier with a setter of its own. */
export function injectInto<C>(context: TraceContext, carrier: C, setter: Setter<C>): void {
  propagation.composite.inject(context, carrier, setter)
}

/** Whether the application has set a valid context itself, in one of the formats that are written. */
export function carriesOwnContext<C>(carrier: C, getter: Getter<C>): boolean {
  return propagation.composite.carries?.(carrier, getter) ?? false
}

/** `injectInto` for a carrier in which the application may have set what stands beside the ids itself (its own baggage): that stays. */
export function injectAround<O, C>(context: TraceContext, own: O, getter: Getter<O>, carrier: C, setter: Setter<C>): void {
  for (const one of propagation.injectors) {
    if (one.companion !== true || !carriesContext(one, own, getter)) one.inject(context, carrier, setter)
  }
}
