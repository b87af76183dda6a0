import { isThreshold, SEVERITY, type Threshold } from '../event'
import { type Rule, rules } from '../internal/options'
import type { Filter } from './filter'
import { type Replies, repliesOf, replyRules } from './reply'

/** Matches events of a level and above. */
export interface ThresholdFilterSpec extends Replies {
  readonly kind: 'threshold'
  readonly level: Threshold
}

/** Says what is wrong with the name of a threshold. */
export const levelRule: Rule = (value) => (isThreshold(value) ? undefined : rules.oneOf(...Object.keys(SEVERITY))(undefined))

/** The rules of `ThresholdFilterSpec`, for `checkOptions`. */
export const thresholdRules = { kind: rules.string, level: levelRule, ...replyRules } as const

export function thresholdFilter(spec: ThresholdFilterSpec): Filter {
  const least = SEVERITY[spec.level]
  const reply = repliesOf(spec)
  return { stateful: false, decide: (event) => reply(SEVERITY[event.level] >= least) }
}
