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
    /** What is sent on after our own member, if not `others`. */
    readonly sent?: string
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
    /** What is sent on, if not the headers joined by commas; null: no header. */
    readonly sent?: string | null
  }[]
  readonly inject: readonly {
    readonly rule: string
    readonly entries: readonly BaggageVectorEntry[]
    readonly written: string | null
  }[]
}

/** Rules about the headers of one request together. */
export interface RequestVectors {
  readonly requests: readonly {
    readonly rule: string
    readonly headers: readonly (readonly [name: string, value: string])[]
    /** What is read of the caller; null: a new trace begins. */
    readonly context: { readonly traceId: string; readonly parentId: string; readonly flags: number } | null
    readonly traceState: string
    readonly baggage: readonly BaggageVectorEntry[]
  }[]
}

/** What the Recommendations ask for. Each has vectors, by the beginning of their `rule`, or a test elsewhere. */
export interface W3cRules {
  readonly rules: readonly {
    readonly id: string
    readonly level: 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY'
    readonly says: string
    readonly vectors?: readonly string[]
    readonly test?: readonly [file: string, text: string]
  }[]
}

/** Rules of a format other than W3C's, each with an input and what must come of it. */
export interface ForeignVectors {
  readonly traceId: string
  readonly spanId: string
  readonly extract: readonly {
    readonly rule: string
    readonly headers: Readonly<Record<string, string | string[]>>
    readonly extracted: { readonly traceId: string; readonly spanId: string; readonly flags: number } | null
    /** It counts as a context that broke the rules. */
    readonly rejected?: boolean
    /** It is a decision without ids. */
    readonly sampled?: boolean
  }[]
  /** By the name of the propagator. */
  readonly inject: Readonly<
    Record<
      string,
      readonly {
        readonly rule: string
        readonly flags: number
        readonly parentSpanId: string | null
        readonly written: Readonly<Record<string, string>>
      }[]
    >
  >
}

/** Reads `b3.json`, `jaeger.json` or `xray.json`. */
export function foreignVectors(format: 'b3' | 'jaeger' | 'xray'): ForeignVectors {
  return JSON.parse(readFileSync(projectFile(`test/vectors/${format}.json`), 'utf8')) as ForeignVectors
}

/** Reads `w3c-trace-context.json`. */
export function traceContextVectors(): TraceContextVectors {
  return JSON.parse(readFileSync(projectFile('test/vectors/w3c-trace-context.json'), 'utf8')) as TraceContextVectors
}

/** Reads `w3c-baggage.json`. */
export function baggageVectors(): BaggageVectors {
  return JSON.parse(readFileSync(projectFile('test/vectors/w3c-baggage.json'), 'utf8')) as BaggageVectors
}

/** Reads `w3c-requests.json`. */
export function requestVectors(): RequestVectors {
  return JSON.parse(readFileSync(projectFile('test/vectors/w3c-requests.json'), 'utf8')) as RequestVectors
}

/** Reads `w3c-rules.json`. */
export function w3cRules(): W3cRules {
  return JSON.parse(readFileSync(projectFile('test/vectors/w3c-rules.json'), 'utf8')) as W3cRules
}

/** What logback wrote for one call of a logger at each of its levels; the columns are explained in the file. */
export interface HierarchyVector {
  readonly called: string
  readonly levels: string
  readonly appenders: string
  readonly notAdditive: string
  readonly written: string
}

/** Reads `logback-hierarchy.json`. */
export function hierarchyVectors(): HierarchyVector[] {
  const text = readFileSync(projectFile('test/vectors/logback-hierarchy.json'), 'utf8')
  const { rows } = JSON.parse(text) as { readonly rows: readonly (readonly string[])[] }
  return rows.map(([called = '', levels = '', appenders = '', notAdditive = '', written = '']) => ({
    called,
    levels,
    appenders,
    notAdditive,
    written,
  }))
}

/** What the ecs-logging specification says of one field. */
export interface EcsRules {
  readonly fields: readonly {
    readonly name: string
    readonly type: 'datetime' | 'string' | 'object'
    readonly required: boolean
    /** The place of the key in the line, counted from 0. */
    readonly index?: number
    /** It may not be nested. */
    readonly flat: boolean
  }[]
}

/** Reads `ecs-logging.json`. */
export function ecsRules(): EcsRules {
  return JSON.parse(readFileSync(projectFile('test/vectors/ecs-logging.json'), 'utf8')) as EcsRules
}
