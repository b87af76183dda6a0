import type { SpanOutcome } from '../../lib/span'

/* The codes of https://grpc.io/docs/guides/status-codes that decide something here. */
const OK = 0
const CANCELLED = 1
const UNKNOWN = 2
const DEADLINE_EXCEEDED = 4
const UNIMPLEMENTED = 12
const INTERNAL = 13
const UNAVAILABLE = 14
const DATA_LOSS = 15
const HIGHEST = 16

const FAILURES: ReadonlySet<number> = new Set([UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS])

const MAX_ERROR_LENGTH = 512

/** The codes that this room itself decides on. */
export const grpcCodes = { OK, CANCELLED, DEADLINE_EXCEEDED } as const

/**
 * What a gRPC status says about the span, on both sides of the call.
 *
 * `error` as in OpenTelemetry's semantic conventions for gRPC servers: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
 * UNAVAILABLE, DATA_LOSS, and codes that gRPC does not have. CANCELLED is `aborted`. All others (NOT_FOUND, INVALID_ARGUMENT,
 * PERMISSION_DENIED and the like) are answers, so `ok`, as HTTP's 4xx are.
 */
export function outcomeOfCode(code: number): SpanOutcome {
  if (code === CANCELLED) return 'aborted'
  const isKnown = Number.isInteger(code) && code >= OK && code <= HIGHEST
  return !isKnown || FAILURES.has(code) ? 'error' : 'ok'
}

/** What went wrong, in one sentence of at most 512 characters: `UNAVAILABLE: no connection`. */
export function statusText(name: string | undefined, details: unknown): string {
  const text = typeof details === 'string' && details !== '' ? `: ${details}` : ''
  return `${name ?? 'a code that gRPC does not have'}${text}`.slice(0, MAX_ERROR_LENGTH)
}

/** The name of a method's span: `shop.Stock/Reserve` for the path `/shop.Stock/Reserve`. */
export function spanName(path: string): string {
  return path.startsWith('/') ? path.slice(1) : path
}
