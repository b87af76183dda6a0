import { Baggage, TraceContext, TraceRoot } from '../context'
import { counters } from '../diagnostics'
import { CLOCK_HEADER, receiveClock, writeClock } from './clock-header'
import { type Getter, joined, type Propagator, type Setter, single } from './propagator'
import { formatTraceParent, parseTraceParent } from './w3c-trace-parent'
import { formatTraceState, parseTraceState } from './w3c-trace-state'

/**
 * W3C trace context Level 2, and the trace's clock beside it.
 *
 * The clock travels as a header and as the `tracestate` member `tl`, because intermediaries forward `tracestate` but not
 * unknown headers, and other tracers rewrite `tracestate`; the later of the two counts.
 */
export const w3cTraceContext: Propagator = {
  fields: ['traceparent', 'tracestate', CLOCK_HEADER],

  extract<C>(carrier: C, getter: Getter<C>): TraceContext | undefined {
    const header = getter.get(carrier, 'traceparent')
    if (header === undefined) return undefined
    const value = single(header)
    const parent = value === undefined ? undefined : parseTraceParent(value)
    if (parent === undefined) {
      counters.contextsRejected++
      return undefined
    }
    counters.contextsAccepted++
    const state = parseTraceState(joined(getter.get(carrier, 'tracestate')))
    const root = new TraceRoot()
    receiveClock(root, carrier, getter, state.clock)
    const { traceId, parentId: spanId, flags } = parent
    return new TraceContext({ traceId, spanId, flags, traceState: state.others, baggage: Baggage.empty }, root)
  },

  inject<C>(context: TraceContext, carrier: C, setter: Setter<C>): void {
    const clock = writeClock(context, carrier, setter)
    setter.set(carrier, 'traceparent', formatTraceParent(context.traceId, context.spanId, context.flags))
    setter.set(carrier, 'tracestate', formatTraceState(context.traceState, clock))
  },

  carries(carrier, getter) {
    const header = single(getter.get(carrier, 'traceparent'))
    return header !== undefined && parseTraceParent(header) !== undefined
  },
}
