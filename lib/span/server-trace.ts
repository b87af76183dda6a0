import type { Baggage } from '../context'
import { isTask, TASK_MEMBER } from './task-member'
import { resolveTrust, type TrustOption, trustRule, type Verdict } from './trust'

/** The options about the trace that a caller sends, the same for every middleware and server interceptor. */
export interface ServerTraceOptions<Subject = unknown> {
  /**
   * What is believed of what a caller says about its trace; see docs/guides/trust.md. A function is asked before anything is read. If it
   * throws, or gives no verdict, the caller is not trusted, and that is counted.
   * @default 'always'
   */
  readonly trust?: TrustOption<Subject>
  /**
   * The baggage members that become log fields (MDC) of the request; nothing else of the baggage ever does. Values are cut at 256
   * characters. `tracelane-task`, the task of `withTask` in another service, becomes the field `task` if it can be the id of one.
   * @default []
   */
  readonly baggageFields?: readonly string[]
}

/** The rules of `ServerTraceOptions`, for `checkOptions`. */
export const serverTraceRules = {
  trust: trustRule,
  baggageFields: (value: unknown): string | undefined =>
    Array.isArray(value) && value.every((key) => typeof key === 'string' && key !== '') ? undefined : 'a list of names',
} as const

/** `ServerTraceOptions`, resolved. */
export interface ServerTracePolicy<Subject = unknown> {
  readonly trust: Verdict | ((caller: Subject) => Verdict)
  readonly baggageFields: readonly string[]
}

/** Resolves checked options; may be kept for the life of the server. */
export function resolveServerTrace<S>({ trust, baggageFields = [] }: ServerTraceOptions<S>): ServerTracePolicy<S> {
  return Object.freeze({ trust: resolveTrust(trust), baggageFields: Object.freeze([...baggageFields]) })
}

const MAX_FIELD = 256
/* Control characters and line separators, which a percent-encoded value can hold and a log line must not. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/gu

/** The log fields that `names` ask for, undefined where the baggage has none. */
export function fieldsOfBaggage(baggage: Baggage, names: readonly string[]): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    names.map((name) => {
      const given = baggage.get(name)
      if (name === TASK_MEMBER) return ['task', given !== undefined && isTask(given) ? given : undefined]
      return [name, given?.slice(0, MAX_FIELD).replace(UNPRINTABLE, '\ufffd')]
    }),
  )
}
