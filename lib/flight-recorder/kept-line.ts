import { errorOfJson, errorToJson, type LogEvent, marked, toJson } from '../event'

type Fields = NonNullable<LogEvent['fields']>

/** An event as it was at the call, whatever becomes of the objects that were given to it. */
export interface KeptLine {
  /** All that cannot change; without fields and error, unless it is a finished line. */
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
  const { msg, line } = event
  // A finished line is a text, and says all there is.
  if (line !== undefined) return { event, fields: undefined, err: undefined, bytes: bytesOf(msg.length + line.length) }
  const { fields, err } = event
  const kept = fields === undefined ? undefined : (flatCopy(fields) ?? toJson(fields))
  const error = err === undefined ? undefined : errorToJson(err)
  const characters = msg.length + charactersOf(kept) + (error?.length ?? 0)
  return { event: { ...event, fields: undefined, err: undefined }, fields: kept, err: error, bytes: bytesOf(characters) }
}

function bytesOf(characters: number): number {
  return LINE_BYTES + BYTES_PER_CHARACTER * characters
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
  const again = marked(event, { replayed: true })
  if (event.line !== undefined) return again
  return {
    ...again,
    fields: typeof fields === 'string' ? recordOf(fields) : fields,
    err: err === undefined ? undefined : errorOfJson(err),
  }
}

/* Of fields that could not be read there is a note. */
function recordOf(json: string): Fields {
  const fields: unknown = JSON.parse(json)
  return typeof fields === 'object' && fields !== null ? (fields as Fields) : { fields }
}
