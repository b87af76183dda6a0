import { rootOf, TraceContext, TraceRoot } from '../context'
import { counters } from '../diagnostics'
import { checkOptions } from '../internal/options'
import { receiveClock } from './clock-header'
import { isTraceId } from './correlation-id'
import { contextOfIds } from './foreign-ids'
import type { Beside, Getter, Propagator } from './propagator'
import { w3cBaggage } from './w3c-baggage'

/** Options of `compositePropagator`. */
export interface CompositeOptions {
  /** Formats to read, in the order in which they are asked. */
  readonly extract: readonly Propagator[]
  /** Formats to write, all of them. */
  readonly inject: readonly Propagator[]
}

/** Says what is wrong with a list of propagators. */
export function propagatorList(value: unknown): string | undefined {
  return Array.isArray(value) && value.every(isPropagator) ? undefined : 'a list of propagators'
}

function isPropagator(value: unknown): boolean {
  const { fields, extract, inject } = (value ?? {}) as Partial<Propagator>
  return Array.isArray(fields) && typeof extract === 'function' && typeof inject === 'function'
}

/**
 * Several formats as one.
 *
 * Reading: the first that finds a valid context wins. Ids, flags, trace state and clock are those of the winner alone; what stands
 * beside the ids (baggage, a correlation id) is read whichever won, each from the first in the list that has it. Writing: all of
 * `inject`, in order. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function compositePropagator(options: CompositeOptions): Propagator {
  checkOptions('compositePropagator', options, { extract: propagatorList, inject: propagatorList }, ['extract', 'inject'])
  const extractors = Object.freeze([...options.extract])
  const injectors = Object.freeze([...options.inject])
  // Below they are gone through by number: an iterator costs as much as reading a header does.
  const besides = extractors.filter((one) => one.beside !== undefined)
  const sources = extractors.filter((one) => one.companion !== true)
  const writers = injectors.filter((one) => one.companion !== true)
  const mayCorrelate = besides.some((one) => one !== w3cBaggage)

  const beside = <C>(carrier: C, getter: Getter<C>): Beside | undefined => {
    let found: Beside | undefined
    for (let i = 0; i < besides.length; i++) {
      const said = besides[i]?.beside?.(carrier, getter)
      if (said !== undefined) found = found === undefined ? said : { ...said, ...found }
    }
    return found
  }

  return {
    fields: [...new Set([...extractors, ...injectors].flatMap(({ fields }) => fields))],

    extract(carrier, getter) {
      for (let i = 0; i < sources.length; i++) {
        const context = (sources[i] as Propagator).extract(carrier, getter)
        if (context !== undefined) return withBeside(context, beside(carrier, getter))
      }
      const said = mayCorrelate ? beside(carrier, getter) : undefined
      return said?.correlationId === undefined ? undefined : contextOfCorrelation(said, carrier, getter)
    },

    inject(context, carrier, setter) {
      for (let i = 0; i < injectors.length; i++) (injectors[i] as Propagator).inject(context, carrier, setter)
    },

    beside,

    carries(carrier, getter) {
      for (let i = 0; i < writers.length; i++) if (carriesContext(writers[i] as Propagator, carrier, getter)) return true
      return false
    },
  }
}

/** Whether the carrier has a valid header of this format. */
export function carriesContext<C>(propagator: Propagator, carrier: C, getter: Getter<C>): boolean {
  return propagator.carries?.(carrier, getter) ?? propagator.extract(carrier, getter) !== undefined
}

function withBeside(context: TraceContext, said: Beside | undefined): TraceContext {
  if (said === undefined) return context
  const root = rootOf(context)
  if (said.correlationId !== undefined) root.correlationId = said.correlationId
  return said.baggage === undefined ? context : new TraceContext({ ...context, baggage: said.baggage }, root)
}

function contextOfCorrelation<C>(said: Beside, carrier: C, getter: Getter<C>): TraceContext | undefined {
  const { correlationId: traceId = '', sampled = true } = said
  if (!isTraceId(traceId)) return undefined
  counters.contextsAccepted++
  const root = new TraceRoot()
  receiveClock(root, carrier, getter)
  return withBeside(contextOfIds({ traceId, spanId: undefined, sampled }, root), said)
}
