import { Baggage, type Flow, NO_FIELDS, otherTracer, rootOf, type Scope, scopeOf, TraceContext, TraceRoot } from '../context'
import { processWide } from '../internal/runtime'
import { loadOtel, type OtelApi, parentIdOf, type SdkSpan, spanIn } from './api'
import { watchArrivals } from './arrival'
import { ScopeView } from './scope-view'

const users = processWide('otel.ids.1', () => ({ count: 0 }))

/* What is seen in a scope (or outside any, under the span itself) while a span is active. */
const views = processWide('otel.views.1', () => new WeakMap<SdkSpan, WeakMap<object, Scope>>())

/**
 * Shows the ids of the active OpenTelemetry span wherever ours would be: on log lines, in `currentTrace`, and on calls, which become children of
 * it. Returns a function that ends that.
 *
 * A request that OpenTelemetry has a span for gets that span's ids from our middleware too, so that there is one trace and not two. A span of ours
 * that is opened inside (`withSpan`) has its own ids until the next OpenTelemetry span. Works with any context manager. Throws
 * ERR_TRACELANE_PEER_MISSING without @opentelemetry/api.
 */
export function useOpenTelemetryIds(): () => void {
  const api = loadOtel()
  const stopWatching = watchArrivals(api, (span, context) => contextOf(span, context, rootOf(context)))
  users.count++
  otherTracer.span = () => activeSpan(api)
  otherTracer.view = (flow) => view(flow, activeSpan(api))
  let isOn = true
  return () => {
    if (!isOn) return
    isOn = false
    stopWatching()
    users.count--
    if (users.count > 0) return
    otherTracer.span = undefined
    otherTracer.view = undefined
  }
}

function activeSpan(api: OtelApi): SdkSpan | undefined {
  return spanIn(api, api.context.active())
}

function view(flow: Flow | undefined, span: SdkSpan | undefined): Scope | undefined {
  const scope = flow?.context === undefined ? undefined : flow
  if (span === undefined || span === scope?.beside) return scope
  let known = views.get(span)
  if (known === undefined) {
    known = new WeakMap()
    views.set(span, known)
  }
  const key = scope ?? span
  let seen = known.get(key)
  if (seen === undefined) {
    seen = scope === undefined ? alone(span, flow) : over(scope, span)
    known.set(key, seen)
  }
  return seen
}

function alone(span: SdkSpan, flow: Flow | undefined): Scope {
  return scopeOf(contextOf(span, undefined, undefined), flow, NO_FIELDS)
}

function over(scope: Scope, span: SdkSpan): Scope {
  const isSameTrace = span.spanContext().traceId === scope.context.traceId
  const context = contextOf(span, scope.context, isSameTrace ? scope.root : undefined)
  return new ScopeView(scope, context, rootOf(context), scope.foreign)
}

function contextOf(span: SdkSpan, around: TraceContext | undefined, root: TraceRoot | undefined): TraceContext {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const fields = {
    traceId,
    spanId,
    parentSpanId: parentIdOf(span),
    flags: traceFlags,
    traceState: around?.traceState ?? traceState?.serialize() ?? '',
    baggage: around?.baggage ?? Baggage.empty,
  }
  return new TraceContext(fields, root ?? new TraceRoot())
}
