import { Baggage, HybridClock, laterClock, rootOf, TraceContext, TraceRoot } from '../context'
import { counters } from '../diagnostics'
import { type Getter, joined, type Propagator, type Setter, single } from './propagator'
import { formatTraceParent, parseTraceParent } from './w3c-trace-parent'
import { formatTraceState, parseTraceState } from './w3c-trace-state'

/** The header that carries the hybrid logical clock: 16 lower hex digits. */
export const CLOCK_HEADER = 'tracelane-clock'

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
    receiveClock(root, laterClock(validClock(single(getter.get(carrier, CLOCK_HEADER))), validClock(state.clock)))
    const { traceId, parentId: spanId, flags } = parent
    return new TraceContext({ traceId, spanId, flags, traceState: state.others, baggage: Baggage.empty }, root)
  },

  inject<C>(context: TraceContext, carrier: C, setter: Setter<C>): void {
    const clock = rootOf(context).clock.tick(Date.now())
    setter.set(carrier, 'traceparent', formatTraceParent(context.traceId, context.spanId, context.flags))
    setter.set(carrier, 'tracestate', formatTraceState(context.traceState, clock))
    setter.set(carrier, CLOCK_HEADER, clock)
  },
}

/** Moves `root`'s clock past the clock in a reply, if there is a usable one. */
export function receiveReplyClock(root: TraceRoot, header: string | readonly string[] | null | undefined): void {
  const clock = single(header ?? undefined)
  if (clock !== undefined) receive(root, clock)
}

function receiveClock(root: TraceRoot, clock: string | undefined): void {
  if (clock !== undefined && receive(root, clock)) root.callerSentClock = true
}

function receive(root: TraceRoot, clock: string): boolean {
  const accepted = root.clock.receive(clock, Date.now())
  if (!accepted) counters.clocksRejected++
  return accepted
}

function validClock(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (HybridClock.isClock(text)) return text
  counters.clocksRejected++
  return undefined
}
