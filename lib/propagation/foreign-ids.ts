import { Baggage, FLAG_SAMPLED, NO_SPAN_ID, TraceContext, TraceRoot } from '../context'
import { counters } from '../diagnostics'
import { receiveClock, writeClock } from './clock-header'
import type { Getter, Propagator, Setter } from './propagator'

/** What the header of a format other than W3C's says. */
export interface ForeignIds {
  /** 32 lower hex digits, not all zero. */
  readonly traceId: string
  /** 16 lower hex digits, not all zero; undefined if the caller named no span. */
  readonly spanId: string | undefined
  /** A caller that leaves the decision open leaves it to us, and every trace that begins here is sampled. */
  readonly sampled: boolean
}

/** The two things in which one format of ids differs from another; `parse` gives undefined for headers that are not there. */
export interface ForeignFormat {
  readonly fields: readonly string[]
  parse<C>(carrier: C, getter: Getter<C>): ForeignIds | 'invalid' | undefined
  write<C>(context: TraceContext, sampled: boolean, carrier: C, setter: Setter<C>): void
}

const HEX = /^[0-9a-f]+$/
const ALL_ZERO = /^0+$/

/** Makes a propagator of a format that has ids and a sampling decision, and no trace state. */
export function foreignPropagator(format: ForeignFormat): Propagator {
  return {
    fields: format.fields,

    extract(carrier, getter) {
      const ids = format.parse(carrier, getter)
      if (ids === undefined) return undefined
      if (ids === 'invalid') {
        counters.contextsRejected++
        return undefined
      }
      counters.contextsAccepted++
      const root = new TraceRoot()
      receiveClock(root, carrier, getter)
      return contextOfIds(ids, root)
    },

    inject(context, carrier, setter) {
      writeClock(context, carrier, setter)
      format.write(context, (context.flags & FLAG_SAMPLED) !== 0, carrier, setter)
    },

    carries(carrier, getter) {
      const ids = format.parse(carrier, getter)
      return ids !== undefined && ids !== 'invalid'
    },
  }
}

/** The context of a caller that said `ids`; the flag random is not set, because these formats do not promise it. */
export function contextOfIds({ traceId, spanId = NO_SPAN_ID, sampled }: ForeignIds, root: TraceRoot): TraceContext {
  const flags = sampled ? FLAG_SAMPLED : 0
  return new TraceContext({ traceId, spanId, flags, traceState: '', baggage: Baggage.empty }, root)
}

/** `text` with zeros on the left up to `length`; undefined unless it is up to `length` lower hex digits and not all zero. */
export function paddedId(text: string | undefined, length: 16 | 32): string | undefined {
  if (text === undefined || text.length > length || !HEX.test(text) || ALL_ZERO.test(text)) return undefined
  return text.padStart(length, '0')
}
