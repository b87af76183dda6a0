import type { TraceContext } from '../context'
import { type ForeignIds, foreignPropagator, paddedId } from './foreign-ids'
import { type Getter, type Propagator, type Setter, single, trimWhiteSpace } from './propagator'

/*
 * B3 (https://github.com/openzipkin/b3-propagation), lower hex digits:
 *
 *   b3: {trace id, 16 or 32}-{span id, 16}[-{0 | 1 | d}[-{parent span id, 16}]]      or a decision alone: 0 | 1 | d
 *
 *   x-b3-traceid, x-b3-spanid, x-b3-sampled: 0 | 1 | true | false, x-b3-flags: 1 (debug), x-b3-parentspanid
 */
const SINGLE = 'b3'
const TRACE_ID = 'x-b3-traceid'
const SPAN_ID = 'x-b3-spanid'
const PARENT_ID = 'x-b3-parentspanid'
const SAMPLED = 'x-b3-sampled'
const FLAGS = 'x-b3-flags'

const MAX_LENGTH = 128
const SINGLE_FORM = /^(?<trace>[0-9a-f]{16}|[0-9a-f]{32})-(?<span>[0-9a-f]{16})(?:-(?<state>[01d])(?:-[0-9a-f]{16})?)?$/

/* Debug asks for more than sampled; who may ask for that is not decided by an unsigned header, so it reads as sampled. */
const DECISIONS: ReadonlyMap<string, boolean> = new Map([
  ['0', false],
  ['false', false],
  ['1', true],
  ['true', true],
  ['d', true],
])

/** What a carrier says: ids, a decision without ids, or something that is no B3. */
type Found = ForeignIds | { readonly sampled: boolean } | 'invalid' | undefined

/** B3, read from the one header `b3` or from the `x-b3-` headers (a valid `b3` wins), written as the one header `b3`. */
export const b3Single: Propagator = b3([SINGLE, TRACE_ID, SPAN_ID, SAMPLED, FLAGS], (context, sampled, carrier, setter) => {
  const parent = context.parentSpanId === undefined ? '' : `-${context.parentSpanId}`
  setter.set(carrier, SINGLE, `${context.traceId}-${context.spanId}-${sampled ? '1' : '0'}${parent}`)
})

/** B3, read from the one header `b3` or from the `x-b3-` headers (a valid `b3` wins), written as the `x-b3-` headers. */
export const b3Multi: Propagator = b3(
  [TRACE_ID, SPAN_ID, PARENT_ID, SAMPLED, FLAGS, SINGLE],
  (context, sampled, carrier, setter) => {
    setter.set(carrier, TRACE_ID, context.traceId)
    setter.set(carrier, SPAN_ID, context.spanId)
    if (context.parentSpanId !== undefined) setter.set(carrier, PARENT_ID, context.parentSpanId)
    setter.set(carrier, SAMPLED, sampled ? '1' : '0')
  },
)

type Write = <C>(context: TraceContext, sampled: boolean, carrier: C, setter: Setter<C>) => void

function b3(fields: readonly string[], write: Write): Propagator {
  const parse = <C>(carrier: C, getter: Getter<C>): ForeignIds | 'invalid' | undefined => {
    const found = read(carrier, getter)
    return found === undefined || found === 'invalid' || 'traceId' in found ? found : undefined
  }
  return {
    ...foreignPropagator({ fields, parse, write }),

    beside(carrier, getter) {
      const found = read(carrier, getter)
      return found === undefined || found === 'invalid' || 'traceId' in found ? undefined : found
    },

    // A decision alone is one that the application made.
    carries(carrier, getter) {
      const found = read(carrier, getter)
      return found !== undefined && found !== 'invalid'
    },
  }
}

function read<C>(carrier: C, getter: Getter<C>): Found {
  const header = getter.get(carrier, SINGLE)
  const one = header === undefined ? undefined : readSingle(single(header))
  if (one !== undefined && one !== 'invalid') return one
  return readMulti(carrier, getter) ?? one
}

function readSingle(header: string | undefined): Found {
  if (header === undefined || header.length > MAX_LENGTH) return 'invalid'
  const text = trimWhiteSpace(header)
  const decision = text.length === 1 ? DECISIONS.get(text) : undefined
  if (decision !== undefined) return { sampled: decision }
  const { trace, span, state } = SINGLE_FORM.exec(text)?.groups ?? {}
  return idsOf(trace, span, state === undefined ? true : DECISIONS.get(state))
}

function readMulti<C>(carrier: C, getter: Getter<C>): Found {
  const [trace, span, state, flags] = [TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map((name) => {
    const values = getter.get(carrier, name)
    return values === undefined ? undefined : capped(single(values))
  })
  const decision = flags === '1' ? true : state === undefined ? undefined : (DECISIONS.get(state.toLowerCase()) ?? 'invalid')
  if (decision === 'invalid') return 'invalid'
  if (trace !== undefined || span !== undefined) {
    return trace?.length === 16 || trace?.length === 32 ? idsOf(trace, span, decision ?? true) : 'invalid'
  }
  return decision === undefined ? undefined : { sampled: decision }
}

/* A header that is repeated or too long has no value, yet it is there: empty text is invalid wherever it is read. */
function capped(value: string | undefined): string {
  return value === undefined || value.length > MAX_LENGTH ? '' : trimWhiteSpace(value)
}

function idsOf(trace: string | undefined, span: string | undefined, sampled: boolean | undefined): Found {
  const traceId = paddedId(trace, 32)
  const spanId = span?.length === 16 ? paddedId(span, 16) : undefined
  return traceId === undefined || spanId === undefined || sampled === undefined ? 'invalid' : { traceId, spanId, sampled }
}
