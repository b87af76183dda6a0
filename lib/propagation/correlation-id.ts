import { rootOf } from '../context'
import { checkOptions } from '../internal/options'
import { type Getter, type Propagator, single } from './propagator'

/** Options of `correlationId`. */
export interface CorrelationIdOptions {
  /**
   * The header, in any case.
   * @default 'x-request-id'
   */
  readonly header?: string
}

const CORRELATION_ID = /^[A-Za-z0-9._-]{1,128}$/
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/

const OPTIONS = {
  header: (value: unknown): string | undefined =>
    typeof value === 'string' && HEADER_NAME.test(value) ? undefined : 'the name of a header',
}

/**
 * A plain correlation id beside the trace, as gateways and older services send it: `x-request-id` and the like.
 *
 * It becomes the log field `correlationId` and is sent on. A value that does not match `^[A-Za-z0-9._-]{1,128}$`, or was sent more
 * than once, is dropped and logged nowhere. It becomes the trace id only if it is one and no other format has a trace. Where there is
 * none to send on, the trace id is sent in its place. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function correlationId(options: CorrelationIdOptions = {}): Propagator {
  checkOptions('correlationId', options, OPTIONS)
  const header = (options.header ?? 'x-request-id').toLowerCase()
  return {
    fields: [header],
    companion: true,

    extract() {
      return undefined
    },

    inject(context, carrier, setter) {
      setter.set(carrier, header, rootOf(context).correlationId ?? context.traceId)
    },

    beside(carrier, getter) {
      const id = read(carrier, getter, header)
      return id === undefined ? undefined : { correlationId: id }
    },

    carries(carrier, getter) {
      return read(carrier, getter, header) !== undefined
    },
  }
}

/** Whether a correlation id can be a trace id: 32 lower hex digits, not all zero. */
export function isTraceId(id: string): boolean {
  return TRACE_ID.test(id)
}

function read<C>(carrier: C, getter: Getter<C>, header: string): string | undefined {
  const value = single(getter.get(carrier, header))
  return value !== undefined && CORRELATION_ID.test(value) ? value : undefined
}
