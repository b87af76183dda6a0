import { inspect, types } from 'node:util'
import { reasonOf } from '../event'

/** True for an error of any realm. A proxy that throws is none. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error
  } catch {
    return false
  }
}

/** A value as part of a message for people: on one line, an error without its stack. Never throws. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return isError(value) ? String(value) : inspect(value, { breakLength: Number.POSITIVE_INFINITY })
  } catch (error) {
    return `[unprintable: ${reasonOf(error)}]`
  }
}

/** What a stack says, for errors of which another logger gives us only that: the fields that `err` has on a line. */
export interface StackText {
  readonly type: string
  readonly message: string
  readonly stack: string
}

const HEAD = /^(?:Uncaught )?([\w$.]+)(?: \[\w+\])?(?:: ([\s\S]*?))?\n\s+at /
const FRAME = /\n\s+at .+:\d+:\d+/

/** Whether a text is the stack of an error. */
export function isStack(value: unknown): value is string {
  return typeof value === 'string' && FRAME.test(value)
}

/** The parts of a stack; `message` is for one whose first lines do not tell. */
export function readStack(stack: string, message: string): StackText {
  const [, type = 'Error', said = message] = HEAD.exec(stack) ?? []
  return { type, message: said, stack }
}
