import type { LogEvent } from '../event'

/* The logger of the events at the end of spans (lib/span/span-end.ts). */
const SPAN_LOGGER = 'tracelane.span'

/** The end of a span as `ecs` and `otel` lines tell it, in the words that both have. */
export interface SpanView {
  readonly outcome: string | undefined
  readonly durationMs: number
  readonly error: string | undefined
  readonly parentSpanId: string | undefined
  /** The method of an HTTP request served. */
  readonly method: string | undefined
  readonly route: string | undefined
  /** The path of an HTTP request served, without its query. */
  readonly path: string | undefined
  /** An HTTP status; undefined for a gRPC status code. */
  readonly status: number | undefined
  readonly bytesSent: number | undefined
  /** Whom a client called. */
  readonly address: string | undefined
  readonly port: number | undefined
}

/** What `event` says of the end of a span; undefined for any other event. */
export function viewSpan({ logger, fields }: LogEvent): SpanView | undefined {
  if (logger !== SPAN_LOGGER || fields === undefined) return undefined
  try {
    return view(fields)
  } catch {
    // Somebody else logs under our name, and with a proxy that throws.
    return undefined
  }
}

function view(fields: Readonly<Record<string, unknown>>): SpanView | undefined {
  const { span, parentSpanId } = fields
  if (typeof span !== 'object' || span === null) return undefined
  const record = span as Readonly<Record<string, unknown>>
  const method = textOf(record['method'])
  const status = numberOf(record['status'])
  const peer = /^(?<address>.+?)(?::(?<port>\d+))?$/.exec(textOf(record['peer']) ?? '')?.groups
  return {
    outcome: textOf(record['outcome']),
    durationMs: numberOf(record['durationMs']) ?? 0,
    error: textOf(record['error']),
    parentSpanId: textOf(parentSpanId),
    method,
    route: textOf(record['route']),
    path: method === undefined ? undefined : textOf(record['name'])?.slice(method.length + 1),
    status: status !== undefined && status >= 100 ? status : undefined,
    bytesSent: numberOf(record['bytesSent']),
    address: peer?.['address'],
    port: peer?.['port'] === undefined ? undefined : Number(peer['port']),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
