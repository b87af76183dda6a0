import { inspect } from 'node:util'
import { isError, reasonOf } from '../event'

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
