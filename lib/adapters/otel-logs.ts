import { currentScope, NO_FIELDS, processClock } from '../context'
import type { Level } from '../event'
import { toJson } from '../event'
import { flush } from '../logger'
import { type Captured, captureFlow, enter, type Told } from './enter'
import { levelOfName, severityText } from './level-names'

/** The parts of OpenTelemetry's `SpanContext` that this adapter reads. */
export interface OtelSpanContext {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags?: number
}

/** The parts of a log record of OpenTelemetry's SDK that this adapter reads. */
export interface OtelLogRecord {
  /** Seconds and nanoseconds since the epoch. */
  readonly hrTime: readonly [number, number]
  readonly spanContext?: OtelSpanContext | undefined
  readonly severityNumber?: number | undefined
  readonly severityText?: string | undefined
  readonly body?: unknown
  readonly eventName?: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
  readonly instrumentationScope: { readonly name: string }
}

/** The logger of records whose scope has no name. */
const NAMELESS = 'otel'

/**
 * A `LogRecordProcessor` of OpenTelemetry's logs SDK that is our appenders: `new LoggerProvider({ processors: [new TracelaneLogProcessor()] })`,
 * beside a processor that exports, or alone.
 *
 * The name of the instrumentation scope is the logger name, the body the message, attributes are fields, and `exception.*` among them `err`. A record
 * that was emitted in a span has that span's ids, others those of the flow that emits. OpenTelemetry decides which records there are,
 * `configure` of tracelane where they go. `onEmit` takes all that it needs before it returns, and never throws.
 */
export class TracelaneLogProcessor {
  #open = true

  /** Called by the SDK for each record, inside `emit`. */
  onEmit(record: OtelLogRecord): void {
    if (!this.#open) return
    const level = levelOf(record)
    enter(level, record.instrumentationScope.name || NAMELESS, () => toldBy(record, level))
  }

  /** Resolves when what was emitted is written, or at the deadline of `flush`. */
  async forceFlush(): Promise<void> {
    await flush()
  }

  /** Like `forceFlush`, and takes no more records. The appenders belong to the process and go on. */
  async shutdown(): Promise<void> {
    this.#open = false
    await flush()
  }
}

const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

/* Four numbers for each level: 1 to 4 is trace. */
function levelOf({ severityNumber, severityText: text }: OtelLogRecord): Level {
  const known = severityNumber === undefined ? undefined : LEVELS[Math.ceil(severityNumber / 4) - 1]
  return known ?? levelOfName(text ?? '') ?? 'info'
}

function toldBy(record: OtelLogRecord, level: Level): Told {
  const { hrTime, body, eventName, attributes, spanContext } = record
  const { err, fields } = withoutException(attributes)
  const named = { ...(eventName === undefined ? {} : { eventName }), ...severityText(record.severityText ?? level, level) }
  const isText = typeof body !== 'object' || body === null
  return {
    msg: isText ? String(body ?? eventName ?? '') : (eventName ?? toJson(body)),
    fields: { ...named, ...(isText || eventName === undefined ? {} : { body }), ...fields },
    err,
    time: hrTime[0] * 1000 + Math.trunc(hrTime[1] / 1e6),
    captured: spanContext === undefined ? undefined : capturedIn(spanContext),
  }
}

/* The flow's clock and MDC belong to the flow's trace, which may be another one than the record's. */
function capturedIn({ traceId, spanId, traceFlags: flags }: OtelSpanContext): Captured {
  if (currentScope()?.context.traceId === traceId) return { ...captureFlow(), spanId, flags }
  return { traceId, spanId, flags, hlc: processClock.tick(Date.now()), mdc: NO_FIELDS }
}

/* https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/ */
function withoutException(attributes: Readonly<Record<string, unknown>>): Pick<Told, 'err' | 'fields'> {
  const { 'exception.type': type, 'exception.message': message, 'exception.stacktrace': stack, ...fields } = attributes
  if (type === undefined && message === undefined && stack === undefined) return { err: undefined, fields: attributes }
  return { err: { type, message, stack }, fields }
}
