import { format, types } from 'node:util'
import { reasonOf } from '../event'

/** What the arguments of a log call mean. */
export interface Said {
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly err: unknown
}

const PLACEHOLDER = /%[sdifjoOc%]/g

/**
 * Reads `(msg, ...args)`, `(err, msg?, ...args)` and `(fields, msg?, ...args)`.
 *
 * Placeholders of `msg` (`%s %d %i %f %j %o %O %c %%`, as in `util.format`) consume arguments first; of what is left one plain object is fields, an Error is
 * `err`, and anything else is appended to the message. A message without further arguments is never interpreted.
 */
export function readArguments(first: unknown, rest: readonly unknown[]): Said {
  if (typeof first === 'string') return readRest(first, rest)
  const [second, ...others] = rest
  const hasMessage = typeof second === 'string'
  const said = hasMessage ? readRest(second, others) : readRest('', rest)
  if (isError(first)) return { ...said, msg: hasMessage ? said.msg : first.message, err: first }
  if (!isFields(first)) return { ...said, msg: said.msg === '' ? text(first) : `${text(first)} ${said.msg}` }
  return { msg: said.msg, ...withError(said.fields === undefined ? first : { ...first, ...said.fields }, said.err) }
}

/**
 * Whether a call of `count` arguments after the first is `(msg)` or `(msg, fields)` with nothing in it to be read: as most are. They are told
 * without an object to tell it by.
 */
export function isSimple(first: unknown, count: number, second: unknown): first is string {
  if (typeof first !== 'string' || count > 1) return false
  return count === 0 || (isLiteral(second) && !hasPlaceholder(first) && !isObject(ownValue(second, 'err')))
}

/* The message that was looked at last and has none: most are constants of the code, and to compare two of these costs a tenth of a look. */
let withoutPlaceholder = ''

function hasPlaceholder(msg: string): boolean {
  if (msg === withoutPlaceholder) return false
  if (msg.includes('%')) return true
  withoutPlaceholder = msg
  return false
}

function readRest(message: string, args: readonly unknown[]): Said {
  const interpreted = args.length > 0 && message.includes('%')
  const used = interpreted ? Math.min(placeholdersIn(message), args.length) : 0
  let msg = used > 0 ? formatted(message, args.slice(0, used)) : interpreted ? message.replaceAll('%%', '%') : message
  let fields: Record<string, unknown> | undefined
  let err: unknown
  for (const arg of args.slice(used)) {
    if (err === undefined && isError(arg)) err = arg
    else if (fields === undefined && isFields(arg)) fields = arg
    else if (arg !== undefined) msg += `${msg === '' ? '' : ' '}${text(arg)}`
  }
  return { msg, ...withError(fields, err) }
}

function placeholdersIn(message: string): number {
  return (message.match(PLACEHOLDER) ?? []).filter((placeholder) => placeholder !== '%%').length
}

/* `{ err }` is how pino users pass an error. */
function withError(fields: Record<string, unknown> | undefined, err: unknown): Pick<Said, 'fields' | 'err'> {
  if (fields === undefined || err !== undefined || !isError(ownValue(fields, 'err'))) return { fields, err }
  const { err: promoted, ...others } = fields
  return { fields: others, err: promoted }
}

function ownValue(fields: Record<string, unknown>, key: string): unknown {
  try {
    return fields[key]
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/* `types.isNativeError` leaves JavaScript, which costs more than all the rest: so only for objects. */
function isError(value: unknown): value is Error {
  return isObject(value) && (value instanceof Error || types.isNativeError(value))
}

function isLiteral(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.getPrototypeOf(value) === Object.prototype
}

function isFields(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : formatted('%O', [value])
}

/* Formatting calls what the caller's objects define (`toString`, inspect hooks), and those may throw. */
function formatted(message: string, args: readonly unknown[]): string {
  try {
    return format(message, ...args)
  } catch (error) {
    return `${message} [unprintable: ${reasonOf(error)}]`
  }
}
