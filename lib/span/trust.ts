import { types } from 'node:util'
import { counters } from '../diagnostics'

/**
 * What is done with the trace of a caller: `always` continue it; `never` begin a new one and forget the caller's; `link`
 * begin a new one and keep the caller's trace id as the log field `linkedTraceId`.
 */
export type Trust = 'always' | 'never' | 'link'

/** Trust in the parts of what a caller says, each for itself. */
export interface TrustParts {
  /** @default 'always' */
  readonly id?: Trust
  /**
   * Take over the sampled flag; else the trace is sampled.
   * @default true if `id` is 'always', else false
   */
  readonly sampled?: boolean
  /**
   * Carry other vendors' trace state on. It belongs to the caller's trace, so it needs `id: 'always'`.
   * @default true if `id` is 'always', else false
   */
  readonly traceState?: boolean
  /**
   * Carry baggage on.
   * @default true if `id` is 'always', else false
   */
  readonly baggage?: boolean
  /**
   * Let this caller turn its trace to another level by an unsigned `tracelane-level`; a signed one needs no trust.
   * @default false
   */
  readonly level?: boolean
}

/** One answer for every caller, or a function that is asked about each; true is `always`, false is `never`. */
export type TrustOption<Subject> = Trust | TrustParts | ((caller: Subject) => boolean | Trust | TrustParts)

/** `TrustParts` with every default in its place. */
export type Verdict = Readonly<Required<TrustParts>>

const EVERYTHING: Verdict = Object.freeze({ id: 'always', sampled: true, traceState: true, baggage: true, level: false })
const NOTHING: Verdict = Object.freeze({ id: 'never', sampled: false, traceState: false, baggage: false, level: false })
const LINK: Verdict = Object.freeze({ ...NOTHING, id: 'link' })

/** Says what is wrong with the option `trust`. */
export function trustRule(value: unknown): string | undefined {
  return typeof value === 'function' || verdictOf(value) !== undefined
    ? undefined
    : "'always', 'never', 'link', an object { id, sampled, traceState, baggage, level } of these and booleans, or a function"
}

/** Gives the verdict about each caller; a constant one where the option is no function. Never throws. */
export function resolveTrust<S>(option: TrustOption<S> = 'always'): Verdict | ((caller: S) => Verdict) {
  if (typeof option !== 'function') return verdictOf(option) ?? NOTHING
  return (caller) => {
    try {
      const answer: unknown = option(caller)
      const verdict = verdictOf(answer)
      if (verdict !== undefined) return verdict
      // An async function is a mistake; its rejection would end the process.
      if (types.isPromise(answer)) answer.catch(() => undefined)
    } catch {
      // Counted below, as any other answer that is none.
    }
    counters.userCallbackErrors++
    return NOTHING
  }
}

function verdictOf(value: unknown): Verdict | undefined {
  if (value === true || value === 'always') return EVERYTHING
  if (value === false || value === 'never') return NOTHING
  if (value === 'link') return LINK
  if (!isPlainObject(value)) return undefined
  const { id = 'always', ...parts } = value
  if (id !== 'always' && id !== 'never' && id !== 'link') return undefined
  const all = id === 'always'
  const { sampled = all, traceState = all, baggage = all, level = false, ...unknown } = parts
  const areBooleans = [sampled, traceState, baggage, level].every((part) => typeof part === 'boolean')
  return areBooleans && Object.keys(unknown).length === 0 ? Object.freeze({ id, sampled, traceState, baggage, level }) : undefined
}

/* A promise is an object without any part, and must not pass for one that leaves all parts at their defaults. */
function isPlainObject(value: unknown): value is TrustParts {
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  return prototype === Object.prototype || prototype === null
}
