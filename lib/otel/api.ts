import type { Context, Span, SpanContext } from '@opentelemetry/api'
import { loadPeer } from '../internal/peer'

/** What `require('@opentelemetry/api')` gives. */
export type OtelApi = typeof import('@opentelemetry/api')

/** What the spans of OpenTelemetry's SDK have beside what the API says. */
export interface SdkSpan extends Span {
  readonly ended?: boolean
  readonly kind?: number
  /** SDK 2; in SDK 1 the id stands alone. */
  readonly parentSpanContext?: SpanContext
  readonly parentSpanId?: string
}

/** The id of the span above `span`. */
export function parentIdOf(span: SdkSpan): string | undefined {
  return span.parentSpanContext?.spanId ?? span.parentSpanId
}

let loaded: OtelApi | undefined

/** Loads @opentelemetry/api from the application; throws ERR_TRACELANE_PEER_MISSING. */
export function loadOtel(): OtelApi {
  loaded ??= loadPeer('@opentelemetry/api', () => require('@opentelemetry/api') as OtelApi)
  return loaded
}

/** The span in `context` if it has valid ids. */
export function spanIn({ trace, isSpanContextValid }: OtelApi, context: Context): SdkSpan | undefined {
  const span = trace.getSpan(context)
  return span !== undefined && isSpanContextValid(span.spanContext()) ? span : undefined
}
