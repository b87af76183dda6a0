import { type BaggageVectorEntry, baggageVectors, requestVectors, traceContextVectors } from '../vectors'

/** One vector as a request: what comes in, what must be read of it, and what must be sent on. */
export interface W3cCase {
  readonly rule: string
  /** Headers in the order and case in which they are sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** What is read of the caller; undefined: a new trace begins. */
  readonly caller: { readonly traceId: string; readonly parentId: string; readonly flags: number } | undefined
  readonly traceState: string
  readonly baggage: readonly BaggageVectorEntry[]
  /** Baggage that the handler sets itself. */
  readonly sets?: readonly BaggageVectorEntry[]
  /** What is sent on after our own member `tl`. */
  readonly sentState: string
  /** The header that is sent on; undefined: none. */
  readonly sentBaggage: string | undefined
}

const FLAGS_OF_NEW_TRACES = 3

/** The flags that a trace has which is the caller's, or a new one. */
export const flagsOf = ({ caller }: W3cCase): number => caller?.flags ?? FLAGS_OF_NEW_TRACES

const text = (entries: readonly BaggageVectorEntry[]): string | undefined =>
  entries.length === 0 ? undefined : entries.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join(',')

/** Every vector of W3C trace context and baggage. */
export function w3cCases(): W3cCase[] {
  const { traceId, parentId, clock, ...trace } = traceContextVectors()
  const baggage = baggageVectors()
  const caller = { traceId, parentId, flags: 1 }
  const parent = ['traceparent', `00-${traceId}-${parentId}-01`] as const
  const plain = { caller, traceState: '', baggage: [], sentState: '', sentBaggage: undefined } as const
  const named = (name: string, values: readonly string[]): [string, string][] => values.map((value) => [name, value])
  return [
    ...trace.traceparent.map(({ rule, header, parsed }) => {
      const state = parsed === null ? '' : 'foo=1'
      const headers = [['traceparent', header] as const, ['tracestate', 'foo=1'] as const]
      return { ...plain, rule, headers, caller: parsed ?? undefined, traceState: state, sentState: state }
    }),
    ...trace.tracestate.map(({ rule, headers, others, sent = others }) => {
      return { ...plain, rule, headers: [parent, ...named('tracestate', headers)], traceState: others, sentState: sent }
    }),
    ...trace.formatTraceparent.map(({ rule, flags, written }) => {
      const header = `00-${traceId}-${parentId}-${flags.toString(16).padStart(2, '0')}`
      return { ...plain, rule, headers: named('traceparent', [header]), caller: { ...caller, flags: Number(written.slice(-2)) } }
    }),
    ...trace.formatTracestate.map(({ rule, others, written }) => {
      const sentState = written.slice(`tl=${clock},`.length)
      return { ...plain, rule, headers: [parent, ...named('tracestate', [others])], traceState: others, sentState }
    }),
    ...baggage.extract.map(({ rule, headers, entries, sent = headers.join(',') }) => {
      const all = [parent, ...named('baggage', headers)]
      return { ...plain, rule, headers: all, baggage: entries, sentBaggage: sent ?? undefined }
    }),
    ...baggage.inject.map(({ rule, entries, written }) => {
      return { ...plain, rule, headers: [parent], sets: entries, sentBaggage: written ?? undefined }
    }),
    ...requestVectors().requests.map(({ rule, headers, context, traceState, baggage: entries }) => {
      const read = { caller: context ?? undefined, traceState, baggage: entries }
      return { ...plain, rule, headers, ...read, sentState: traceState, sentBaggage: text(entries) }
    }),
  ]
}
