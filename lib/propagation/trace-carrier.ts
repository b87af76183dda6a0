import { childOf, currentScope, rootOf, type TraceContext } from '../context'
import { counters } from '../diagnostics'
import { LEVEL_HEADER, levelValue, receiveLevel, targetedDebug, withoutUnsigned } from '../targeted-debug'
import { type Carrier, getterOf, setterOf } from './carriers'
import { carriesContext } from './composite'
import { propagation } from './configure'
import type { Beside, Getter, Propagator, Setter } from './propagator'

/**
 * The caller's trace context in `carrier`, for `runWithTrace`; undefined if there is no valid one. It is read in the formats that
 * `configurePropagation` named, W3C's by default.
 *
 * The carrier may be a plain object with lower-case keys, a list of such objects (Kafka), `Headers`, a `Map` or gRPC `Metadata`;
 * values may be strings, bytes or arrays of them. Never throws: a carrier whose getters throw counts as one without a context.
 */
export function extractTrace(carrier: Carrier): TraceContext | undefined {
  try {
    const getter = getterOf(carrier)
    return withLevel(propagation.composite.extract(carrier, getter), carrier, getter)
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

/** `context`, extracted from `carrier`, with the level that a signed value in it asks for. Never throws. */
export function withLevel<C>(
  context: TraceContext | undefined,
  carrier: C,
  getter: Getter<C>,
  trusted = false,
): TraceContext | undefined {
  return context === undefined ? undefined : levelled(context, carrier, getter, trusted)
}

/** `withLevel` for a context that there is. An unsigned value holds if its sender is `trusted`. */
export function levelled<C>(context: TraceContext, carrier: C, getter: Getter<C>, trusted: boolean): TraceContext {
  const told = trusted || context.baggage.size === 0 ? context : withoutUnsigned(context)
  if (!trusted && targetedDebug.secrets.length === 0) return told
  try {
    return receiveLevel(told, getter.get(carrier, LEVEL_HEADER), trusted)
  } catch {
    counters.levelsRejected++
    return told
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
  writeLevel(context, carrier, setter)
}

/** Writes the level of `context`'s trace, if it has one of its own. */
export function writeLevel<C>(context: TraceContext, carrier: C, setter: Setter<C>): void {
  if (rootOf(context).levelOverride === undefined) return
  const value = levelValue(context)
  if (value !== undefined) setter.set(carrier, LEVEL_HEADER, value)
}

/** Whether the application has set a valid context itself, in one of the formats that are written. */
export function carriesOwnContext<C>(carrier: C, getter: Getter<C>): boolean {
  return propagation.composite.carries?.(carrier, getter) ?? false
}

/** `injectInto` for a carrier in which the application may have set what stands beside the ids itself (its own baggage): that stays. */
export function injectAround<O, C>(context: TraceContext, own: O, getter: Getter<O>, carrier: C, setter: Setter<C>): void {
  const { injectors } = propagation
  for (let i = 0; i < injectors.length; i++) {
    const one = injectors[i] as Propagator
    if (one.companion !== true || !carriesContext(one, own, getter)) one.inject(context, carrier, setter)
  }
  if (rootOf(context).levelOverride !== undefined && getter.get(own, LEVEL_HEADER) === undefined) {
    writeLevel(context, carrier, setter)
  }
}
