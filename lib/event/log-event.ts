import { type MdcFields, NO_FIELDS, processClock, type Scope } from '../context'
import type { Level } from './level'

/** Where in the source a log call is. */
export interface Caller {
  /** The absolute path of the file that runs, or what V8 has in its place (`[eval]`). */
  readonly file: string
  /** From 1; 0 if it is not known. */
  readonly line: number
  /** As in a stack: `Cart.checkout`; undefined at the top of a file and in functions without a name. */
  readonly function: string | undefined
}

/**
 * What one log statement says, with the trace context of the flow that said it.
 *
 * It is captured on the calling thread at the call and never looks at the flow again: whoever formats or ships it later,
 * and from whatever context, finds the right ids in it.
 */
export interface LogEvent {
  /** When the logger was called: milliseconds since the epoch, an integer. */
  readonly time: number
  readonly level: Level
  /** The hierarchical name of the logger, for instance `orders.checkout`. */
  readonly logger: string
  readonly msg: string
  /** Undefined outside any trace. */
  readonly traceId: string | undefined
  /** Undefined outside any trace. */
  readonly spanId: string | undefined
  /** W3C trace flags, an integer from 0 to 255; undefined outside any trace, or if they are not known. */
  readonly flags?: number | undefined
  /** The trace's hybrid logical clock, or the process's own outside any trace: 16 lower hex digits. */
  readonly hlc: string
  /** The MDC of the flow: a frozen record. */
  readonly mdc: MdcFields
  /** The fields given to the call; they win over the MDC. */
  readonly fields: Readonly<Record<string, unknown>> | undefined
  /** The error given to the call, or undefined. */
  readonly err: unknown
  /** Undefined unless an appender of the logger asks for it. */
  readonly caller: Caller | undefined
  /** The share of such events that is written, above 0 and below 1; absent if all are. */
  readonly rate?: number | undefined
  /** Whether the flight recorder had kept it until its trace failed. */
  readonly replayed?: true | undefined
  /** The line as another logger has finished it, the text of one JSON object; absent on every other event. */
  readonly line?: string
}

/** What is said of an event on its way to the appenders. */
export type Marks = Pick<LogEvent, 'rate' | 'replayed'>

/** A copy of `event` with `marks`. What a finished line has is still read out of it only if somebody asks. */
export function marked(event: LogEvent, marks: Marks): LogEvent {
  if (event.line === undefined) return { ...event, ...marks }
  return {
    ...event,
    get fields() {
      return event.fields
    },
    get err() {
      return event.err
    },
    ...marks,
  }
}

/** The part of an event that its author chooses. */
export interface Statement {
  readonly level: Level
  readonly logger: string
  readonly msg: string
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly err?: unknown
  readonly caller?: Caller | undefined
}

/** The event that `statement` makes in `scope` (undefined: outside any trace) now; moves the trace's clock. */
export function captureEvent(scope: Scope | undefined, { level, logger, msg, fields, err, caller }: Statement): LogEvent {
  return captureParts(scope, level, logger, msg, fields, err, caller)
}

/** `captureEvent` without an object for the statement, for the log call. */
export function captureParts(
  scope: Scope | undefined,
  level: Level,
  logger: string,
  msg: string,
  fields: Statement['fields'],
  err: unknown,
  caller: Caller | undefined,
): LogEvent {
  const time = Date.now()
  if (scope === undefined) {
    const hlc = processClock.tick(time)
    return { time, level, logger, msg, traceId: undefined, spanId: undefined, hlc, mdc: NO_FIELDS, fields, err, caller }
  }
  const { traceId, spanId, flags } = scope.context
  const hlc = scope.root.clock.tick(time)
  return { time, level, logger, msg, traceId, spanId, flags, hlc, mdc: scope.mdc, fields, err, caller }
}
