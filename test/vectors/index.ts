import { readFileSync } from 'node:fs'
import { projectFile } from '../support'

/** Rules of W3C trace context (Level 2), each with an input and what must come of it. */
export interface TraceContextVectors {
  readonly traceId: string
  readonly parentId: string
  readonly clock: string
  readonly traceparent: readonly {
    readonly rule: string
    readonly header: string
    readonly parsed: { readonly traceId: string; readonly parentId: string; readonly flags: number } | null
  }[]
  readonly tracestate: readonly {
    readonly rule: string
    readonly headers: readonly string[]
    readonly others: string
    readonly clock: string | null
  }[]
  readonly formatTraceparent: readonly { readonly rule: string; readonly flags: number; readonly written: string }[]
  readonly formatTracestate: readonly { readonly rule: string; readonly others: string; readonly written: string }[]
}

/** A member: key, value, properties. */
export type BaggageVectorEntry = readonly [string, string, string | null]

/** Rules of W3C Baggage, each with an input and what must come of it. */
export interface BaggageVectors {
  readonly extract: readonly {
    readonly rule: string
    readonly headers: readonly string[]
    readonly entries: readonly BaggageVectorEntry[]
  }[]
  readonly inject: readonly {
    readonly rule: string
    readonly entries: readonly BaggageVectorEntry[]
    readonly written: string | null
  }[]
}

/** Reads `w3c-trace-context.json`. */
export function traceContextVectors(): TraceContextVectors {
  return JSON.parse(readFileSync(projectFile('test/vectors/w3c-trace-context.json'), 'utf8')) as TraceContextVectors
}

/** Reads `w3c-baggage.json`. */
export function baggageVectors(): BaggageVectors {
  return JSON.parse(readFileSync(projectFile('test/vectors/w3c-baggage.json'), 'utf8')) as BaggageVectors
}
