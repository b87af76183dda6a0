import { errorToJson, type LogEvent, toJson } from '../event'

type Fields = NonNullable<LogEvent['fields']>

/** An event as it was at the call, whatever becomes of the objects that were given to it. */
export interface KeptLine {
  /** All that cannot change; without fields and error. */
  readonly event: LogEvent
  /** A copy, if it is flat; else JSON. */
  readonly fields: Fields | string | undefined
  /** JSON. */
  readonly err: string | undefined
  /** What it is reckoned to take in memory. */
  readonly bytes: number
}

const LINE_BYTES = 256
const BYTES_PER_CHARACTER = 2
/* A number, a boolean, and the place of any field. */
const FIELD_CHARACTERS = 8

/** Keeps what `event` says now. */
export function keep(event: LogEvent): KeptLine {
  const { msg, fields, err } = event
  const kept = fields === undefined ? undefined : (flatCopy(fields) ?? toJson(fields))
  const error = err === undefined ? undefined : errorToJson(err)
  const characters = msg.length + charactersOf(kept) + (error?.length ?? 0)
  const bytes = LINE_BYTES + BYTES_PER_CHARACTER * characters
  return { event: { ...event, fields: undefined, err: undefined }, fields: kept, err: error, bytes }
}

/* Cheaper than JSON, for what most lines have; undefined if a value could change, or a getter throws. */
function flatCopy(fields: Fields): Fields | undefined {
  const copy: Record<string, unknown> = {}
  try {
    for (const key of Object.keys(fields)) {
      const value = fields[key]
      if (key === '__proto__' || !isPlain(value)) return undefined
      copy[key] = value
    }
    return copy
  } catch {
    return undefined
  }
}

function isPlain(value: unknown): boolean {
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' || value === null || value === undefined
}

function charactersOf(kept: KeptLine['fields']): number {
  if (kept === undefined || typeof kept === 'string') return kept?.length ?? 0
  let characters = 0
  for (const key of Object.keys(kept)) {
    const value = kept[key]
    characters += FIELD_CHARACTERS + (typeof value === 'string' ? value.length : 0)
  }
  return characters
}

/** The event again, marked as replayed: its time and its clock are those of the call. */
export function replayed({ event, fields, err }: KeptLine): LogEvent {
  return {
    ...event,
    fields: typeof fields === 'string' ? (JSON.parse(fields) as Fields) : fields,
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
