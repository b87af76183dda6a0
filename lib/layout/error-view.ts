import { isError, reasonOf } from '../event'

/* How long a chain of causes may be; each error of an AggregateError is a chain of its own. */
const MAX_DEPTH = 16
const MAX_SUPPRESSED = 100

/** An error as people read it: its parts as plain text, read once. */
export interface ErrorView {
  readonly type: string
  readonly message: string
  /** The lines of the stack without its head, trimmed: `at place (/app/orders.js:7:11)`. */
  readonly frames: readonly string[]
  /** How many of the last frames are also the last ones of the error above; 0 for the first. */
  readonly common: number
  /** The errors of an AggregateError. */
  readonly suppressed: readonly ErrorView[]
  readonly cause: ErrorView | undefined
  /** It stands further up in the chain already, so neither frames nor causes are repeated. */
  readonly circular: boolean
}

/** Reads an error, its causes and the errors that it holds. Never throws; what is no error has a message only. */
export function viewError(error: unknown): ErrorView {
  return view(error, undefined, [])
}

/** `type: message`, or the type alone; `thrown: text` for what is no error, so that its text does not begin a line. */
export function titleOf({ type, message, circular }: ErrorView): string {
  const title = message === '' ? type : `${type || 'thrown'}: ${message}`
  return circular ? `[CIRCULAR REFERENCE: ${title}]` : title
}

function view(error: unknown, above: ErrorView | undefined, path: readonly object[]): ErrorView {
  try {
    if (!isError(error)) return plain('', textOf(error), [])
    const type = String(error.name || error.constructor.name)
    const message = String(error.message)
    if (path.includes(error) || path.length === MAX_DEPTH) return { ...plain(type, message, []), circular: true }
    const own = plain(type, message, framesOf(String(error.stack ?? ''), message))
    const inside = [...path, error]
    return {
      ...own,
      common: above === undefined ? 0 : commonFrames(own.frames, above.frames),
      suppressed: heldBy(error).map((one) => view(one, own, inside)),
      cause: error.cause === undefined || error.cause === null ? undefined : view(error.cause, own, inside),
    }
  } catch (failure) {
    return plain('', `[threw: ${reasonOf(failure)}]`, [])
  }
}

function plain(type: string, message: string, frames: readonly string[]): ErrorView {
  return { type, message, frames, common: 0, suppressed: [], cause: undefined, circular: false }
}

/* What the author of the message wrote is no frame, even if it looks like one. */
function framesOf(stack: string, message: string): string[] {
  const head = message === '' ? -1 : stack.indexOf(`: ${message}`)
  const rest = head === -1 ? stack : stack.slice(head + 2 + message.length)
  const lines = rest.split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith('at '))
}

function commonFrames(frames: readonly string[], above: readonly string[]): number {
  let count = 0
  while (count < frames.length && count < above.length && frames.at(-1 - count) === above.at(-1 - count)) count++
  return count
}

function heldBy(error: Error): readonly unknown[] {
  const { errors } = error as { errors?: unknown }
  return Array.isArray(errors) ? errors.slice(0, MAX_SUPPRESSED) : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(value)
}
