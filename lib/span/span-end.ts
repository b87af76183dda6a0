import { runInScope, type Scope } from '../context'
import { captureEvent, emit, hasSubscribers, type Level, SPAN_LOGGER } from '../event'
import { chosenFields, type SpanChoice } from './span-choice'

/** What kind of operation a span was: a request served, a call made, a message sent or handled, or a part of the work. */
export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal'

/** Another span that this one has to do with, in this trace or in another. */
export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
}

/** How a span ended. `aborted`: the other side went away, or the call was cancelled, before there was a result. */
export type SpanOutcome = 'ok' | 'error' | 'aborted'

/** The `span` field of the event at the end of each span. */
export interface SpanRecord {
  readonly kind: SpanKind
  /** For people: `GET /orders/7`, `shop.Stock/Reserve`, `charge card`. Never has a query string. */
  readonly name: string
  readonly outcome: SpanOutcome
  /** Wall-clock time from start to end, in milliseconds, with fractions. */
  readonly durationMs: number
  /** The HTTP status, or the gRPC status code; undefined if there was none. */
  readonly status?: number | undefined
  /** Whom a client span called: `host:port`. */
  readonly peer?: string | undefined
  /** What went wrong, in one sentence. */
  readonly error?: string | undefined
  /** The method of an HTTP request. */
  readonly method?: string | undefined
  /** The pattern of the route that served it, where the framework knows it: `/orders/:id`. */
  readonly route?: string | undefined
  /** What was written to the connection for it, head and body, in bytes (before TLS). */
  readonly bytesSent?: number | undefined
  /** The spans that sent the messages of a batch, at most 128, or the batch that a message came in. */
  readonly links?: readonly SpanLink[] | undefined
}

const LEVEL_OF: Readonly<Record<SpanOutcome, Level>> = { ok: 'info', aborted: 'warn', error: 'error' }

/**
 * Emits, in `scope`, the one event that says how its span went, with its parent and the fields of `choice`; nothing if nobody subscribes. Never
 * throws.
 */
export function spanEnded(scope: Scope, record: SpanRecord, choice: SpanChoice = true): void {
  if (choice === false || !hasSubscribers()) return
  const { parentSpanId } = scope.context
  const durationMs = Math.round(record.durationMs * 1000) / 1000
  const status = record.status === undefined ? record.outcome : String(record.status)
  const event = captureEvent(scope, {
    level: LEVEL_OF[record.outcome],
    logger: SPAN_LOGGER,
    msg: `${record.name} ${status} ${durationMs.toFixed(1)} ms`,
    fields: { parentSpanId, span: { ...chosenFields(record, choice), durationMs } },
  })
  runInScope(scope, () => emit(event))
}
