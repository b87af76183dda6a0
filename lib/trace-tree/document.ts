import type { Level } from '../event'
import { round, type Trace } from './trace'
import type { LineError, TraceLine } from './trace-line'
import type { TraceSpan } from './tree'

/** A trace as one JSON document. Times are milliseconds; offsets count from `startTime` and are corrected for wall clocks that differ. */
export interface TraceDocument {
  readonly traceId: string
  /** In the order in which the trace reached them. */
  readonly services: readonly string[]
  /** Milliseconds since the epoch, with fractions, as it is when the first span began; absent if no line has a time. */
  readonly startTime?: number
  readonly durationMs: number
  /** The roots of the tree; several if the trace was called from outside more than once. */
  readonly spans: readonly SpanDocument[]
  /** In causal order, without the events at the ends of spans. */
  readonly lines: readonly LineDocument[]
}

/** One span of a trace. Its lines are those with its `spanId`. */
export interface SpanDocument {
  readonly spanId: string
  readonly parentSpanId?: string
  readonly service: string
  /** False for a span without an end event: still running, or killed. Such a span has no name, status or duration. */
  readonly finished: boolean
  /** Present if the parent is not in the files and this place was guessed from causal order. */
  readonly assumed?: true
  readonly kind?: string
  readonly name?: string
  readonly outcome?: string
  readonly status?: number | string
  readonly peer?: string
  readonly error?: string
  readonly offsetMs?: number
  readonly durationMs?: number
  readonly children: readonly SpanDocument[]
}

/** One log line of a trace. */
export interface LineDocument {
  readonly offsetMs?: number
  readonly time?: number
  readonly level?: Level
  readonly service: string
  readonly logger?: string
  readonly msg: string
  readonly spanId?: string
  readonly hlc?: string
  readonly instance?: string
  readonly seq?: number
  readonly err?: LineError
  readonly fields: Readonly<Record<string, unknown>>
  /** The file that the line was read from, as it was named. */
  readonly file: string
}

/** `trace` as one JSON document. */
export function traceDocument(trace: Trace): TraceDocument {
  const { traceId, services, startTime, durationMs, lines, tree } = trace
  return dense({
    traceId,
    services,
    startTime,
    durationMs,
    spans: tree.flatMap((item) => ('span' in item ? [spanDocument(item.span, trace)] : [])),
    lines: lines.map((line) => lineDocument(line, trace)),
  })
}

function spanDocument(span: TraceSpan, trace: Trace): SpanDocument {
  const { spanId, parentSpanId, service, end, assumed, items } = span
  const { kind, name, outcome, status, peer, error, durationMs } = end?.span ?? {}
  const children = items.flatMap((item) => ('span' in item ? [spanDocument(item.span, trace)] : []))
  const offsetMs = offsetOf(trace.clocks.startOf(span), trace)
  const finished = end !== undefined
  const guess = assumed ? (true as const) : undefined
  return dense({
    spanId,
    parentSpanId,
    service,
    finished,
    assumed: guess,
    kind,
    name,
    outcome,
    status,
    peer,
    error,
    offsetMs,
    durationMs,
    children,
  })
}

function lineDocument(line: TraceLine, trace: Trace): LineDocument {
  const { time, level, service, logger, msg, spanId, hlc, instance, seq, err, fields, source } = line
  const offsetMs = offsetOf(trace.clocks.timeOf(line), trace)
  return dense({ offsetMs, time, level, service, logger, msg, spanId, hlc, instance, seq, err, fields, file: source.file })
}

function offsetOf(time: number | undefined, { startTime }: Trace): number | undefined {
  return time === undefined || startTime === undefined ? undefined : round(time - startTime)
}

type Dense<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/* Without the fields that are undefined. */
function dense<T extends object>(fields: T): Dense<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Dense<T>
}
