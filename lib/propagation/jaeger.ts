import { type ForeignIds, foreignPropagator, paddedId } from './foreign-ids'
import { type Getter, type Propagator, single, trimWhiteSpace } from './propagator'

/*
 * https://www.jaegertracing.io/docs/1.76/client-libraries/#propagation-format
 *
 *   uber-trace-id: {trace id, 1 to 32}:{span id, 1 to 16}:{parent span id, deprecated}:{flags, 1 or 2}     hex digits
 *
 * ids are padded with zeros on the left; flags: 1 sampled, 2 debug; the whole may be URL-encoded (":" as "%3A")
 */
const HEADER = 'uber-trace-id'
const MAX_LENGTH = 256
const COLON = /%3a/gi
const FORM = /^(?<trace>[0-9a-f]{1,32}):(?<span>[0-9a-f]{1,16}):[0-9a-f]{1,16}:(?<flags>[0-9a-f]{1,2})$/
const SAMPLED = 0x01
const DEBUG = 0x02

/**
 * Jaeger's `uber-trace-id`. Debug reads as sampled; `uberctx-` baggage is neither read nor written.
 */
export const jaeger: Propagator = foreignPropagator({
  fields: [HEADER],

  parse(carrier, getter) {
    return read(carrier, getter)
  },

  write({ traceId, spanId }, sampled, carrier, setter) {
    setter.set(carrier, HEADER, `${traceId}:${spanId}:0:${sampled ? '1' : '0'}`)
  },
})

function read<C>(carrier: C, getter: Getter<C>): ForeignIds | 'invalid' | undefined {
  const values = getter.get(carrier, HEADER)
  if (values === undefined) return undefined
  const header = single(values)
  if (header === undefined || header.length > MAX_LENGTH) return 'invalid'
  const text = trimWhiteSpace(header).replace(COLON, ':').toLowerCase()
  const { trace, span, flags = '' } = FORM.exec(text)?.groups ?? {}
  const traceId = paddedId(trace, 32)
  const spanId = paddedId(span, 16)
  if (traceId === undefined || spanId === undefined) return 'invalid'
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & (SAMPLED | DEBUG)) !== 0 }
}
