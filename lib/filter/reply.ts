import { rules } from '../internal/options'

/**
 * What a filter says about an event: `deny` it; `accept` it without asking further filters; or `neutral`, which leaves it to the next. An
 * event about which all are neutral goes on.
 */
export type Reply = 'accept' | 'neutral' | 'deny'

/** What a filter replies; the same for every kind, as in log4j2. */
export interface Replies {
  /**
   * About events that match.
   * @default 'neutral'
   */
  readonly onMatch?: Reply
  /**
   * About the others.
   * @default 'deny'; 'neutral' if `onMatch` is 'deny', because a filter that denies everything is a mistake
   */
  readonly onMismatch?: Reply
}

/** The rules of `Replies`, for `checkOptions`. */
export const replyRules = {
  onMatch: rules.oneOf('accept', 'neutral', 'deny'),
  onMismatch: rules.oneOf('accept', 'neutral', 'deny'),
} as const

/** The replies of a filter as a function of whether the event matches. */
export function repliesOf({ onMatch = 'neutral', onMismatch }: Replies): (matches: boolean) => Reply {
  const otherwise = onMismatch ?? (onMatch === 'deny' ? 'neutral' : 'deny')
  return (matches) => (matches ? onMatch : otherwise)
}
