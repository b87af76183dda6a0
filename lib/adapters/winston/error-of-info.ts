import { isError } from '../../event'
import { errorOf } from '../errors'
import { type Info, SPLAT } from './winston-like'

/** The keys under which applications pass an error among the fields. */
const ERROR_KEYS = ['err', 'error'] as const

/**
 * The error of a log call, whole: winston itself keeps of `logger.error('text', err)` its message and stack, of `logger.error(err)` the
 * fields, and of `{ err }` nothing.
 */
export function errorGivenTo(info: Info): Error | undefined {
  if (isError(info)) return withoutFields(info)
  const { message } = info
  if (isError(message)) return message
  const splat = info[SPLAT]
  const argument = Array.isArray(splat) ? splat.find(isError) : undefined
  return argument ?? errorAmongFields(info) ?? errorLeftIn(info)
}

/** The fields of an entry that are `err`, or parts of it. */
export function keysOfError(info: Info, err: Error | undefined): readonly string[] {
  if (err === undefined) return []
  return ['stack', 'cause', ...ERROR_KEYS.filter((key) => info[key] === err)]
}

function errorAmongFields(info: Info): Error | undefined {
  for (const key of ERROR_KEYS) {
    const value = info[key]
    if (isError(value)) return value
  }
  return undefined
}

/* winston has put the level and the fields of `defaultMeta` on the very object. */
function withoutFields(error: Error & Info): Error {
  return errorOf(error, Object.getPrototypeOf(error) as object)
}

/* A child logger makes a plain object of an error before anybody else sees it. */
function errorLeftIn({ message, stack, cause }: Info): Error | undefined {
  if (typeof stack !== 'string') return undefined
  const name = /^[\w$.]+(?=[:\n]|$)/.exec(stack)?.[0] ?? 'Error'
  return errorOf({ name, message: typeof message === 'string' ? message : '', stack, cause })
}
