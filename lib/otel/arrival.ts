import { type Arrival, type Flow, otherTracer, type TraceContext } from '../context'
import { processWide } from '../internal/runtime'
import { type OtelApi, parentIdOf, type SdkSpan, spanIn } from './api'

/** Makes the context of a request that `span` serves out of the one that it would have without. */
export type ContextMaker = (span: SdkSpan, context: TraceContext) => TraceContext

/* An OpenTelemetry span serves one request; a second request that is told in its flow is another one. */
const served = processWide('otel.served.1', () => new WeakSet<object>())

const SERVER = 1
const CONSUMER = 4

/**
 * Whether `span`, active when a request came in under `parent`, was opened for this request.
 *
 * Node tells of a request on a shared connection in the flow of whoever opened the connection or used it last, and of one to a server that was
 * started in a span in that span's flow. So a span that has ended, that has served another request or that contradicts the request's own
 * headers is not its own. Without headers it must be a server's or a consumer's, or, outside any trace of ours, one under such a span.
 */
function belongs(span: SdkSpan, flow: Flow | undefined, parent: TraceContext | undefined): boolean {
  if (span.ended === true || served.has(span)) return false
  if (parent !== undefined) return span.spanContext().traceId === parent.traceId
  const { kind } = span
  if (kind === SERVER || kind === CONSUMER) return true
  // One that is not sampled has no kind.
  return flow?.context === undefined && (kind === undefined || parentIdOf(span) !== undefined)
}

const watchers = processWide('otel.watchers.1', () => new Set<{ readonly make: ContextMaker | undefined }>())

const NOTHING: Arrival = Object.freeze({ flow: undefined })

/** Judges from now on what a request takes over of OpenTelemetry's; with `make`, its ids too. The returned function ends that. */
export function watchArrivals(api: OtelApi, make: ContextMaker | undefined): () => void {
  const watcher = { make }
  watchers.add(watcher)
  otherTracer.arrive = (flow, parent) => arrive(api, flow, parent)
  return () => {
    watchers.delete(watcher)
    if (watchers.size === 0) otherTracer.arrive = undefined
  }
}

function arrive(api: OtelApi, flow: Flow | undefined, parent: TraceContext | undefined): Arrival {
  const span = spanIn(api, api.context.active())
  if (span === undefined) return flow?.context === undefined ? { flow } : NOTHING
  if (!belongs(span, flow, parent)) return NOTHING
  served.add(span)
  const make = [...watchers].find((watcher) => watcher.make !== undefined)?.make
  return { flow, adopt: make && ((context) => make(span, context)) }
}
