import { type LogEvent, SEVERITY } from '../event'
import { checkOptions, type Rule } from '../internal/options'
import { byName } from './by-name'

/** Which traces have their lines of level info and below written. */
export interface SamplingOptions {
  /** The share of all traces, from 0 to 1. */
  readonly rate: number
  /** Other rates for loggers by name; a name passes its rate on to those below it. */
  readonly loggers?: Readonly<Record<string, number>>
}

const rate: Rule = (value) => (typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'a number from 0 to 1')
const rates: Rule = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => rate(one) === undefined)
    ? undefined
    : 'an object of numbers from 0 to 1 by logger name'

/** Checks the sampling that was given to `owner`; throws ERR_TRACELANE_OPTION_* with the cure. */
export function checkSampling(owner: string, value: unknown): asserts value is SamplingOptions {
  checkOptions(owner, value, { rate, loggers: rates }, ['rate'])
}

/*
 * OpenTelemetry's rule for consistent probability sampling (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/):
 *
 *   trace id   tttttttttttttttttt rrrrrrrrrrrrrr      the last 56 bits, 14 digits: random by W3C trace context Level 2
 *   threshold                     eeeeeeeeeeeeee      2^56 - rate x 2^56
 *
 *   kept if r >= threshold. Both are text of 14 lower hex digits, whose order is that of the numbers.
 */
const RANDOM_DIGITS = 14
const RANDOM_AT = 32 - RANDOM_DIGITS
const RANDOM_SPACE = 2n ** 56n

interface Share {
  readonly rate: number
  /** Undefined: nothing is kept. */
  readonly threshold: string | undefined
}

/** The threshold of `rate` as 14 lower hex digits; undefined if it is above every trace id. */
export function thresholdOf(rate: number): string | undefined {
  const threshold = RANDOM_SPACE - BigInt(Math.round(rate * 2 ** 56))
  return threshold >= RANDOM_SPACE ? undefined : threshold.toString(16).padStart(RANDOM_DIGITS, '0')
}

/**
 * Consistent sampling: whether a line is written depends on its trace id and the rate alone. So services with the same rate write the same
 * traces, and those with a lower rate a part of them. Lines of level warn and above, and lines outside any trace, are always written.
 */
export class Sampler {
  readonly #shareOf: (logger: string) => Share

  constructor({ rate, loggers = {} }: SamplingOptions) {
    const shares = Object.fromEntries(Object.entries(loggers).map(([name, own]) => [name, shareOf(own)]))
    this.#shareOf = byName(shares, shareOf(rate))
  }

  /** The rate at which lines like `event` are written: 1 if all are; 0 if this one is not. */
  rateFor({ level, logger, traceId }: LogEvent): number {
    if (traceId === undefined || SEVERITY[level] >= SEVERITY.warn) return 1
    const { rate, threshold } = this.#shareOf(logger)
    return threshold !== undefined && traceId.slice(RANDOM_AT) >= threshold ? rate : 0
  }
}

function shareOf(rate: number): Share {
  return { rate, threshold: thresholdOf(rate) }
}
