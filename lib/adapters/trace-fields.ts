import { lineScope } from './line-scope'

/** The names under which adapters add the trace to another logger's lines. */
export const TRACE_KEYS = ['traceId', 'spanId', 'hlc'] as const

/**
 * The MDC and the ids of this flow, as fields for one line of another logger; an empty object outside any trace.
 *
 * Each call moves the trace's clock, so call it exactly once for each line, when the line is logged: `hlc` is what puts the
 * lines of several services in causal order.
 */
export function traceFields(): Record<string, unknown> {
  const scope = lineScope()
  if (scope === undefined) return {}
  const { traceId, spanId } = scope.context
  return { ...scope.mdc, traceId, spanId, hlc: scope.root.clock.tick(Date.now()) }
}
