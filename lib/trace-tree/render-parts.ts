import { toJson } from '../event'
import { printable } from './paint'

const MAX_FRAMES = 3

/* gRPC status codes 0 to 16; HTTP's begin at 100. */
const GRPC_STATUS = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** An HTTP status as it is, a gRPC status by its name. */
export function renderStatus(status: number | string): string {
  return (typeof status === 'number' ? GRPC_STATUS[status] : undefined) ?? String(status)
}

/** `text`, cut to `max` characters with an ellipsis. */
export function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, Math.max(max - 1, 0))}…`
}

/** Milliseconds since the beginning as `+12ms`, `+3.250s` or `+2m05.1s`. */
export function renderOffset(ms: number): string {
  const sign = ms < -0.5 ? '-' : '+'
  const rounded = Math.round(Math.abs(ms))
  if (rounded < 1000) return `${sign}${rounded}ms`
  if (rounded < 60_000) return `${sign}${(rounded / 1000).toFixed(3)}s`
  return `${sign}${minutes(rounded)}`
}

/** How a wall clock that is `ms` ahead is described. */
export function renderSkew(ms: number): string {
  const abs = Math.abs(ms)
  const text = abs < 1000 ? `${Math.round(abs)} ms` : abs < 60_000 ? `${(abs / 1000).toFixed(1)} s` : minutes(abs)
  return `${text} ${ms > 0 ? 'ahead' : 'behind'}`
}

function minutes(ms: number): string {
  const tenths = Math.round(ms / 100)
  return `${Math.floor(tenths / 600)}m${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}s`
}

/** As many of `fields` as fit into `room` characters, as `name=value`, and how many more there are. */
export function renderFields(fields: Readonly<Record<string, unknown>>, room: number): string {
  const entries = Object.entries(fields)
  const parts: string[] = []
  let left = room
  for (const [i, [name, value]] of entries.entries()) {
    const part = printable(`${name}=${renderValue(value)}`)
    const more = entries.length - i - 1
    const reserve = more === 0 ? 0 : 1 + `+${more}`.length
    if (part.length + 1 + reserve > left + 1) {
      const rest = `+${entries.length - i}`
      if (left >= rest.length) parts.push(rest)
      break
    }
    parts.push(part)
    left -= part.length + 1
  }
  return parts.join(' ')
}

function renderValue(value: unknown): string {
  if (typeof value !== 'string') return toJson(value)
  return /^[^\s"=]+$/.test(value) ? value : toJson(value)
}

/** The first frames of a stack that are the application's own, else its first ones. */
export function stackFrames(stack: string | undefined): string[] {
  const frames = (stack ?? '').split('\n', 200).filter((line) => /^\s+at /.test(line))
  const own = frames.filter((frame) => !frame.includes('node_modules') && !frame.includes('node:') && !frame.includes('(native)'))
  return (own.length > 0 ? own : frames).slice(0, MAX_FRAMES).map((frame) => frame.trim())
}
