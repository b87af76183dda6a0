import { LEVELS, type Level, SEVERITY } from '../event'
import { type Rule, rules } from '../internal/options'
import type { Filter } from './filter'
import { type Replies, repliesOf, replyRules } from './reply'
import { TokenBucket } from './token-bucket'

/**
 * Matches what stays within a rate: log4j2's BurstFilter, as a token bucket. All events that it is asked about share one bucket.
 *
 * log4j2 gives each token back one by one after `maxBurst / rate` seconds; a bucket fills evenly, so that after a burst the rate goes on.
 */
export interface BurstFilterSpec extends Replies {
  readonly kind: 'burst'
  /**
   * Events above this level always match and take nothing.
   * @default 'warn'
   */
  readonly level?: Level
  /**
   * Events a second in the long run, above 0.
   * @default 10
   */
  readonly rate?: number
  /**
   * How many may come at once, from 1.
   * @default 100 times `rate`
   */
  readonly maxBurst?: number
}

const MOST = 1e9
const BURST_OF_RATE = 100

/** Says what is wrong with a number of events a second. */
export const perSecondRule: Rule = (value) =>
  typeof value === 'number' && value > 0 && value <= MOST ? undefined : `a number above 0, at most ${MOST}`

/** The rules of `BurstFilterSpec`, for `checkOptions`. */
export const burstRules = {
  kind: rules.string,
  level: rules.oneOf(...LEVELS),
  rate: perSecondRule,
  maxBurst: rules.integer(1, MOST),
  ...replyRules,
} as const

export function burstFilter(spec: BurstFilterSpec): Filter {
  const { level = 'warn', rate = 10, maxBurst = Math.max(1, Math.round(rate * BURST_OF_RATE)) } = spec
  const highest = SEVERITY[level]
  const bucket = new TokenBucket(rate, maxBurst)
  const reply = repliesOf(spec)
  return {
    stateful: true,
    decide: (event) => reply(SEVERITY[event.level] > highest || bucket.take(event.time)),
  }
}
