import { attention, currentScope, type Scope } from '../context'
import { counters } from '../diagnostics'
import { type Caller, captureEvent, type Level, type LogEvent, reasonOf, SEVERITY } from '../event'
import { probe } from '../internal/probe'
import {
  callerOf,
  dispatch,
  dispatchOther,
  nearestNode,
  routesOf,
  serializeError,
  serializeFields,
  type Taker,
  takerBelow,
} from '../logger'

/*
 * What is logged through another logger comes to our appenders here.
 *
 *   LogTape, OpenTelemetry    their own levels have let it pass          ── enter ──▶ dispatchOther
 *   NestJS, Fastify, console  our logger's level decides: takerOf first  ── enter ──▶ dispatch, or the flight recorder
 */

/** The part of an event that is read from the flow. */
export type Captured = Pick<LogEvent, 'traceId' | 'spanId' | 'flags' | 'hlc' | 'mdc'>

/** What another logger was told. */
export interface Told {
  readonly msg: string
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly err?: unknown
  /** When it was told, milliseconds since the epoch; the default is now. */
  readonly time?: number | undefined
  /** In which flow it was told; the default is the one of now. */
  readonly captured?: Captured | undefined
  /** The scope of that flow, if it is known; the default is the one of now. */
  readonly scope?: Scope | undefined
  /** Where in the source it was told, if the other logger knows. */
  readonly caller?: Caller | undefined
}

/**
 * Who takes an event of `level` of the logger `name`, whose level is ours (or `own`, where the other logger has one of its own): its appenders, or,
 * below that level, a trace with a level of its own or the flight recorder; undefined: nobody.
 */
export function takerOf(name: string, level: Level, own?: number): Taker | undefined {
  const node = nearestNode(name)
  const severity = SEVERITY[level]
  if (severity >= (own ?? node.effective)) return dispatch
  if (own === SEVERITY.off || severity < attention.lowest) return undefined
  return takerBelow(severity, node, currentScope())
}

/** What this flow puts on an event; moves the clock of its trace. */
export function captureFlow(): Captured {
  const { traceId, spanId, flags, hlc, mdc } = captureEvent(scopeOfCall(), { level: 'info', logger: '', msg: '' })
  return { traceId, spanId, flags, hlc, mdc }
}

/**
 * Gives an event of `logger` to its appenders. `read` says what it was told: reading calls getters and the like of the caller's objects, and
 * if one throws, the line says so in its place. `take` is what `takerOf` said, `callee` the method that the application called, for appenders that
 * ask where. Never throws.
 */
export function enter(
  level: Level,
  logger: string,
  read: () => Told,
  take: Taker = dispatchOther,
  callee?: (...args: never[]) => unknown,
): void {
  const node = nearestNode(logger)
  const caller = callee !== undefined && routesOf(node).caller ? callerOf(callee) : undefined
  const told = toldBy(read)
  take(eventOf(level, logger, { caller, ...told }), node, told.scope ?? currentScope())
}

function toldBy(read: () => Told): Told {
  try {
    const told = read()
    return { ...told, fields: serializeFields(told.fields), err: serializeError(told.err) }
  } catch (error) {
    counters.valuesReplaced++
    return { msg: `[arguments threw: ${reasonOf(error)}]` }
  }
}

function eventOf(level: Level, logger: string, { msg, fields, err, time, captured, caller }: Told): LogEvent {
  const statement = { level, logger, msg, fields, err, caller }
  if (captured !== undefined) return { time: time ?? Date.now(), ...statement, ...captured }
  const event = captureEvent(scopeOfCall(), statement)
  return time === undefined ? event : { ...event, time }
}

/* The doctor looks at each log call. */
function scopeOfCall(): Scope | undefined {
  const scope = currentScope()
  if (probe.logCall !== undefined) probe.logCall(scope)
  return scope
}
