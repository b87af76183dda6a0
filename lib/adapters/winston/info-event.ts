import { HybridClock } from '../../context'
import { captureEvent, isError, type Level, type LogEvent, toJson } from '../../event'
import { severityText } from '../level-names'
import { TRACE_KEYS } from '../trace-fields'
import { type Captured, capturedIn } from './attach-trace'
import { errorGivenTo, keysOfError } from './error-of-info'
import type { Info } from './winston-like'

/** What the transport knows of an entry beside the entry itself. */
export interface Naming {
  readonly logger: string
  /** winston's name for the level, and ours. */
  readonly name: string
  readonly level: Level
}

/** The event that an entry of winston's makes: what the formats have left of it, with ids and error as they were at the log call. */
export function eventOfInfo(info: Info, { logger, name, level }: Naming): LogEvent {
  const captured = capturedIn(info)
  const event = captured?.event ?? eventOfFields(info)
  const err = captured === undefined ? errorGivenTo(info) : captured.err
  const said = saidBy(info, err)
  return { ...event, level, logger, msg: said.msg, err, fields: { ...severityText(name, level), ...said.fields } }
}

/** Whether it is known in which flow an entry was logged. */
export function isTraced(info: Info): boolean {
  return capturedIn(info) !== undefined || idsIn(info) !== undefined
}

/* An entry that a format has made anew, or that came another way, may still have the fields of traceMeta or attachTrace. */
function eventOfFields(info: Info): LogEvent {
  return { ...captureEvent(undefined, { level: 'info', logger: '', msg: '' }), ...idsIn(info) }
}

function idsIn({ traceId, spanId, hlc }: Info): Pick<LogEvent, 'traceId' | 'spanId' | 'hlc'> | undefined {
  if (typeof traceId !== 'string' || typeof spanId !== 'string' || typeof hlc !== 'string') return undefined
  return /^[0-9a-f]{32}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId) && HybridClock.isClock(hlc)
    ? { traceId, spanId, hlc }
    : undefined
}

function saidBy(info: Info, err: Error | undefined): { msg: string; fields: Record<string, unknown> } {
  const hidden = new Set(['level', 'message', ...keysOfError(info, err), ...(idsIn(info) === undefined ? [] : TRACE_KEYS)])
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(info)) if (!hidden.has(key)) fields[key] = info[key]
  const { message } = info
  if (typeof message === 'string') return { msg: message, fields }
  if (isError(message)) return { msg: String(message.message), fields }
  // `logger.info({ a: 1 })`: winston makes a message of the object.
  if (isPlainObject(message)) return { msg: '', fields: { ...message, ...fields } }
  return { msg: message === undefined ? '' : toJson(message), fields }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** Whether an entry was taken under `logger` before: by the same transport added twice, or by one that handles exceptions as well. */
export function isTaken(info: Info, logger: string): boolean {
  const takenAs: Captured['takenAs'] | undefined = capturedIn(info)?.takenAs
  if (takenAs === undefined || takenAs.has(logger)) return takenAs !== undefined
  takenAs.add(logger)
  return false
}
