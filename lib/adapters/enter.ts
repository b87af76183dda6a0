import { currentScope } from '../context'
import { counters } from '../diagnostics'
import { captureEvent, type Level, type LogEvent, reasonOf, SEVERITY } from '../event'
import { dispatch, nearestNode } from '../logger'

/*
 * What is logged through another logger comes to our appenders here.
 *
 *   LogTape, OpenTelemetry    their own levels have let it pass          ── enter ──▶ dispatch
 *   NestJS, Fastify, console  our logger's level decides: isEnabled first ── enter ──▶ dispatch
 */

/** The part of an event that is read from the flow. */
export type Captured = Pick<LogEvent, 'traceId' | 'spanId' | 'hlc' | 'mdc'>

/** What another logger was told. */
export interface Told {
  readonly msg: string
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly err?: unknown
  /** When it was told, milliseconds since the epoch; the default is now. */
  readonly time?: number | undefined
  /** In which flow it was told; the default is the one of now. */
  readonly captured?: Captured | undefined
}

/** Whether our level for the logger `name` lets events of `level` pass. */
export function isEnabled(name: string, level: Level): boolean {
  return SEVERITY[level] >= nearestNode(name).effective
}

/** What this flow puts on an event; moves the clock of its trace. */
export function captureFlow(): Captured {
  const { traceId, spanId, hlc, mdc } = captureEvent(currentScope(), { level: 'info', logger: '', msg: '' })
  return { traceId, spanId, hlc, mdc }
}

/**
 * Gives an event of `logger` to its appenders. `read` says what it was told: reading calls getters and the like of the caller's objects, and
 * if one throws, the line says so in its place. Never throws.
 */
export function enter(level: Level, logger: string, read: () => Told): void {
  dispatch(eventOf(level, logger, toldBy(read)), nearestNode(logger))
}

function toldBy(read: () => Told): Told {
  try {
    return read()
  } catch (error) {
    counters.valuesReplaced++
    return { msg: `[arguments threw: ${reasonOf(error)}]` }
  }
}

function eventOf(level: Level, logger: string, { msg, fields, err, time, captured }: Told): LogEvent {
  const statement = { level, logger, msg, fields, err }
  if (captured !== undefined) return { time: time ?? Date.now(), ...statement, ...captured }
  const event = captureEvent(currentScope(), statement)
  return time === undefined ? event : { ...event, time }
}
