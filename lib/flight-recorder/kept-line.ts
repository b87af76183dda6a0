import { errorToJson, type LogEvent, toJson } from '../event'

/** An event as it was at the call, whatever becomes of the objects that were given to it. */
export interface KeptLine {
  /** All that cannot change; without fields and error. */
  readonly event: LogEvent
  /** JSON. */
  readonly fields: string | undefined
  readonly err: string | undefined
  /** What it is reckoned to take in memory. */
  readonly bytes: number
}

const LINE_BYTES = 256
const BYTES_PER_CHARACTER = 2

/** Keeps what `event` says now. */
export function keep(event: LogEvent): KeptLine {
  const fields = event.fields === undefined ? undefined : toJson(event.fields)
  const err = event.err === undefined ? undefined : errorToJson(event.err)
  const characters = event.msg.length + (fields?.length ?? 0) + (err?.length ?? 0)
  const bytes = LINE_BYTES + BYTES_PER_CHARACTER * characters
  return { event: { ...event, fields: undefined, err: undefined }, fields, err, bytes }
}

/** The event again, marked as replayed: its time and its clock are those of the call. */
export function replayed({ event, fields, err }: KeptLine): LogEvent {
  return {
    ...event,
    fields: fields === undefined ? undefined : (JSON.parse(fields) as LogEvent['fields']),
    err: err === undefined ? undefined : revived(JSON.parse(err)),
    replayed: true,
  }
}

/* An error again, because layouts write the stack of errors only. */
function revived(said: unknown): unknown {
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return said
  const { type, message, stack, cause, ...own } = said as Record<string, unknown>
  if (typeof type !== 'string' || typeof message !== 'string') return said
  const error = new Error(message)
  hide(error, 'name', type)
  hide(error, 'stack', stack)
  if (cause !== undefined) hide(error, 'cause', revived(cause))
  return Object.assign(error, own)
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false })
}
