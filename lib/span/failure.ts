import type { SpanOutcome } from './span-end'

const MAX_LENGTH = 512

/** The first status of HTTP that says that the server failed, not the caller. */
export const FIRST_SERVER_ERROR = 500

/** What was thrown, in one sentence of at most 512 characters, with the cause if there is one. Never throws. */
export function failureText(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown).slice(0, MAX_LENGTH)
    const cause = thrown.cause instanceof Error ? thrown.cause.message || thrown.cause.name : thrown.message
    // A client that wraps an error often repeats what it says.
    const why = cause === thrown.message ? '' : ` (${cause})`
    return `${thrown.name}: ${thrown.message}${why}`.slice(0, MAX_LENGTH)
  } catch {
    return 'a value that cannot be printed'
  }
}

/** A call given up through `signal` was aborted; one that ran into the limit of an `AbortSignal.timeout` failed. */
export function outcomeOfAbort(signal: AbortSignal | null | undefined): SpanOutcome {
  return (signal?.reason as { name?: unknown } | undefined)?.name === 'TimeoutError' ? 'error' : 'aborted'
}
