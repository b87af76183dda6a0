import type { LevelOverride } from './attention'
import { Baggage } from './baggage'
import { HybridClock } from './clock'
import { NO_SPAN_ID, newSpanId, newTraceId } from './ids'

/** W3C trace flag: the caller may have recorded this trace. */
export const FLAG_SAMPLED = 0x01
/** W3C trace flag (Level 2): the trace id has at least 56 random bits. */
export const FLAG_RANDOM = 0x02

/**
 * What all spans of one trace share in this process, and the only mutable thing in a context.
 *
 * It holds numbers, strings and booleans only, and records of them: a context can live as long as an idle socket, so it must not keep a
 * request or a body alive. A limit holds what cancels the calls that are under way, and no more.
 */
export class TraceRoot {
  /** The hybrid logical clock of this trace. */
  readonly clock = new HybridClock()
  /** The caller sent its clock, so the reply gives ours back. */
  callerSentClock = false
  /** The id under which the caller knows this request (`x-request-id` and the like), which is no trace id. */
  correlationId: string | undefined
  /** The level of this trace, whatever those of its loggers are; set by `overrideLevel`. */
  levelOverride: LevelOverride | undefined
  /** How long the calls may last that are made in it; written and read by interceptors/grpc alone. */
  callLimit: object | undefined
}

const ROOT = Symbol.for('tracelane.root')

/** The parts of a `TraceContext` that a caller chooses. */
export interface TraceContextFields {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly flags: number
  readonly traceState: string
  readonly baggage: Baggage
}

/**
 * Who we are in this asynchronous flow: an immutable value with the fields of W3C trace context (Level 2) and baggage.
 *
 * `withSpan`, the middleware and the interceptors derive child contexts; nothing changes one. It is frozen when it is given to an
 * application (`currentTrace()`, `extractTrace()`), not before: freezing costs more than making it does.
 */
export class TraceContext {
  /** 32 lower hex digits, never all zero. */
  readonly traceId: string
  /** The current span: 16 lower hex digits; all zero only in an extracted context whose caller named no span. */
  readonly spanId: string
  /** The span that caused this one; undefined for the first span of a trace. */
  readonly parentSpanId: string | undefined
  /** W3C trace flags as an integer from 0 to 255; see `FLAG_SAMPLED` and `FLAG_RANDOM`. */
  readonly flags: number
  /** Other vendors' `tracestate` members as received, without our own `tl` member. */
  readonly traceState: string
  /** Key/values that travel to other services. */
  readonly baggage: Baggage
  /** What the spans of this trace share; found by symbol so that it is in no log line and no comparison. */
  readonly [ROOT]: TraceRoot

  constructor(fields: TraceContextFields, root: TraceRoot) {
    this.traceId = fields.traceId
    this.spanId = fields.spanId
    this.parentSpanId = fields.parentSpanId
    this.flags = fields.flags
    this.traceState = fields.traceState
    this.baggage = fields.baggage
    this[ROOT] = root
  }
}

/** What all spans of `context`'s trace share in this process. */
export function rootOf(context: TraceContext): TraceRoot {
  return context[ROOT]
}

/** Whether `value` is a trace context, of this or of another loaded copy of the kit; JSON and messages cannot imitate one. */
export function isTraceContext(value: unknown): value is TraceContext {
  return typeof value === 'object' && value !== null && (value as Partial<TraceContext>)[ROOT] !== undefined
}

/** The first context of a new trace, with ids from the CSPRNG and the flags random and, unless told otherwise, sampled. */
export function newTrace(baggage: Baggage = Baggage.empty, sampled: boolean = true): TraceContext {
  const flags = sampled ? FLAG_SAMPLED | FLAG_RANDOM : FLAG_RANDOM
  const fields = { traceId: newTraceId(), spanId: newSpanId(), flags, traceState: '', baggage }
  return new TraceContext(fields, new TraceRoot())
}

/** A new span under `parent`, in the same trace and on the same clock. */
export function childOf(parent: TraceContext, baggage: Baggage = parent.baggage): TraceContext {
  const { traceId, spanId, flags, traceState } = parent
  const parentSpanId = spanId === NO_SPAN_ID ? undefined : spanId
  return new TraceContext({ traceId, spanId: newSpanId(), parentSpanId, flags, traceState, baggage }, parent[ROOT])
}
