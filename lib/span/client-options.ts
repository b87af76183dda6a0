import { checkOptions } from '../internal/options'
import { propagation, resolveTargets, type TargetMatch, type Targets, targetsRule } from '../propagation'
import { resolveSpanChoice, type SpanChoice, spanChoiceRule } from './span-choice'

/** The options that all clients have. */
export interface ClientTraceOptions {
  /**
   * Emits an event at the end of each call: how long it took and how it went. A list names the fields that it has beside its kind, name, outcome
   * and duration.
   * @default true: all fields
   */
  readonly spans?: SpanChoice
  /**
   * The hosts that are told about the trace: a list of patterns (`'orders.internal'`, `'*.internal:8080'`, RegExps for the whole host
   * name), or a function that is given `host:port`. Nothing of ours goes to any other, nor to one that a redirect leads to. If it
   * throws, the host is not told, and that is counted.
   * @default the `targets` of `configurePropagation`; without them each host that the application calls itself
   */
  readonly targets?: Targets
}

/** `ClientTraceOptions`, resolved. */
export interface ClientPolicy {
  readonly spans: SpanChoice
  /** Undefined: those of the process. */
  readonly targets: TargetMatch | undefined
}

/** The rules of `ClientTraceOptions`, for `checkOptions`. */
export const clientTraceRules = { spans: spanChoiceRule, targets: targetsRule } as const

/** Checks what a user gave as the options of `owner` and adds the defaults; throws ERR_TRACELANE_OPTION_* with the cure. */
export function resolveClientTrace(owner: string, given: ClientTraceOptions): ClientPolicy {
  checkOptions(owner, given, clientTraceRules)
  return clientPolicyOf(given)
}

/** Resolves checked options. */
export function clientPolicyOf({ spans, targets }: ClientTraceOptions): ClientPolicy {
  return Object.freeze({ spans: resolveSpanChoice(spans), targets: resolveTargets(targets) })
}

/** The allow-list that holds for a call made now, a client's own or that of the process; undefined: there is none. */
export function targetsNow({ targets }: ClientPolicy): TargetMatch | undefined {
  return targets ?? propagation.targets
}
