/** How much a finding matters: `error` loses traces, `warning` is likely to, `info` is worth knowing. */
export type Severity = 'error' | 'warning' | 'info'

/** Every finding that the doctor can make. docs/guides/doctor.md says when. */
export const FINDINGS = {
  RUNTIME_FOREIGN: 'error',
  RUNTIME_MIXED: 'error',
  COPIES_DIFFER: 'warning',
  COPIES: 'info',
  COPY_RELOADED: 'info',
  REALMS: 'info',
  NOT_USED: 'warning',
  NODE_TOO_OLD: 'error',
  CONTEXT_FRAME_OFF: 'warning',
  CONTEXT_FRAME_EXPERIMENTAL: 'info',
  FROZEN_INTRINSICS: 'warning',
  PROMISE_HOOKS: 'warning',
  DOMAIN_LOADED: 'info',
  PEER_MISSING: 'error',
  PEER_TOO_OLD: 'error',
  OTEL_NOT_BRIDGED: 'warning',
  OTEL_SECOND_MANAGER: 'warning',
  OTHER_TRACER: 'info',
  INTERCEPTOR_UNUSED: 'info',
  ADAPTER_UNUSED: 'info',
  CALLS_UNTRACED: 'warning',
  CALLS_NOT_TOLD: 'info',
  REQUESTS_UNTRACED: 'error',
  REQUESTS_PARTLY_UNTRACED: 'info',
  MIDDLEWARE_LATE: 'warning',
  MIDDLEWARE_NOT_FIRST: 'info',
  MIDDLEWARE_TWICE: 'info',
  CONTEXT_LOST: 'warning',
  TRACE_OUTLIVES_REQUEST: 'info',
} as const satisfies Readonly<Record<string, Severity>>

/** A stable name for what the doctor found. */
export type FindingCode = keyof typeof FINDINGS

/** One thing that is wrong, or worth knowing, and what to do about it. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** What is so, in one or two sentences. */
  readonly message: string
  /** What to do about it, in one sentence. */
  readonly cure: string
  /** The place: `file:line` relative to the working directory, a folder, a host or a package. */
  readonly where?: string
  /** How often it was seen. */
  readonly count?: number
}

/** A finding with the severity of its code. */
export function finding(code: FindingCode, parts: Omit<Finding, 'code' | 'severity'>): Finding {
  return Object.freeze({ code, severity: FINDINGS[code], ...parts })
}

const ORDER: readonly Severity[] = ['error', 'warning', 'info']

/** Worst first, then by code and place: the same findings always come in the same order. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  const key = ({ severity, code, where = '', message }: Finding): string =>
    [ORDER.indexOf(severity), code, where, message].join('\0')
  return [...findings].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** `3 requests`, `1 request`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
