import { TracelaneError } from '../errors'
import type { LogEvent } from '../event'
import { checkOptions, type Rule } from '../internal/options'
import { type BurstFilterSpec, burstFilter, burstRules } from './burst'
import { type DuplicateFilterSpec, duplicateFilter, duplicateRules } from './duplicate'
import type { Filter, Say } from './filter'
import { isEmptyMatch, type MatchFilterSpec, matchFilter, matchRules } from './match'
import type { Reply } from './reply'
import { type ThresholdFilterSpec, thresholdFilter, thresholdRules } from './threshold'

/** A filter as data. */
export type FilterSpec = ThresholdFilterSpec | MatchFilterSpec | BurstFilterSpec | DuplicateFilterSpec

interface Kind {
  readonly rules: Readonly<Record<string, Rule>>
  readonly required: readonly string[]
  make(spec: FilterSpec): Filter
}

const KINDS: Readonly<Record<FilterSpec['kind'], Kind>> = {
  threshold: {
    rules: thresholdRules,
    required: ['level'],
    make: (spec) => thresholdFilter(spec as ThresholdFilterSpec),
  },
  match: { rules: matchRules, required: [], make: (spec) => matchFilter(spec as MatchFilterSpec) },
  burst: { rules: burstRules, required: [], make: (spec) => burstFilter(spec as BurstFilterSpec) },
  duplicate: { rules: duplicateRules, required: [], make: (spec) => duplicateFilter(spec as DuplicateFilterSpec) },
}

/** Checks a list of filters that was given to `owner`; throws ERR_TRACELANE_OPTION_* with the cure. */
export function checkFilters(owner: string, value: unknown): asserts value is readonly FilterSpec[] {
  if (!Array.isArray(value)) throw wrong(`${owner} must be a list of filters, each an object with a kind`)
  value.forEach((spec: unknown, i) => {
    const kind = (spec as { kind?: unknown } | null | undefined)?.kind
    if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) {
      throw wrong(`${owner}[${i}] must have a kind: ${Object.keys(KINDS).join(', ')}`)
    }
    const { rules, required } = KINDS[kind as FilterSpec['kind']]
    checkOptions(`${owner}[${i}] (${kind})`, spec, rules, required)
    if (kind === 'match' && isEmptyMatch(spec as MatchFilterSpec)) {
      throw wrong(`${owner}[${i}] (match) must name what to match: logger, levels, marker, fields, message or pattern`)
    }
  })
}

function wrong(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', detail)
}

/** Several filters, asked in order: the first that is not neutral decides. */
export class Filters {
  readonly #all: readonly Filter[]
  readonly #stateless: readonly Filter[]

  /** From specs that were checked. */
  constructor(specs: readonly FilterSpec[]) {
    this.#all = specs.map((spec) => KINDS[spec.kind].make(spec))
    this.#stateless = this.#all.filter(({ stateful }) => !stateful)
  }

  /** What they reply about an event that would be written. */
  decide(event: LogEvent, say: Say): Reply {
    return ask(this.#all, event, say)
  }

  /** What those reply that count nothing: for an event that may never be written. */
  foresee(event: LogEvent, say: Say): Reply {
    return ask(this.#stateless, event, say)
  }

  /** Tells what was held back and not told yet. */
  settle(say: Say): void {
    for (const filter of this.#all) filter.settle?.(say)
  }
}

function ask(filters: readonly Filter[], event: LogEvent, say: Say): Reply {
  for (const filter of filters) {
    const reply = filter.decide(event, say)
    if (reply !== 'neutral') return reply
  }
  return 'neutral'
}
