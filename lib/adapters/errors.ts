import { isError } from '../event'

/** What is known of an error of which only parts are left. */
export interface ErrorParts {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  readonly cause?: unknown
  readonly errors?: unknown
}

/** An error made of its parts, without any field of its own: what an error is when another logger has put fields of the line on it. */
export function errorOf({ name, message, stack, cause, errors }: ErrorParts, prototype: object = Error.prototype): Error {
  const error = Object.create(prototype) as Error
  for (const [key, value] of Object.entries({ name, message, stack, cause, errors })) {
    if (value !== undefined) Object.defineProperty(error, key, { value, configurable: true, writable: true })
  }
  return error
}

const NAMED: ReadonlySet<string> = new Set(['name', 'type', 'message', 'stack', 'cause', 'errors', 'aggregateErrors'])

/** An error out of what a serializer of pino's or bunyan's has made of it, its cause and its own fields too; undefined for anything else. */
export function revivedError(value: unknown): Error | undefined {
  if (isError(value)) return value
  if (typeof value !== 'object' || value === null) return undefined
  const { name, type, message, stack, cause, errors, aggregateErrors } = value as Readonly<Record<string, unknown>>
  if (typeof message !== 'string' || typeof stack !== 'string') return undefined
  const error = errorOf({
    name: String(type ?? name ?? 'Error'),
    message,
    stack,
    cause: revivedError(cause) ?? cause,
    errors: errors ?? aggregateErrors,
  })
  for (const [key, field] of Object.entries(value)) if (!NAMED.has(key)) Object.assign(error, { [key]: field })
  return error
}
