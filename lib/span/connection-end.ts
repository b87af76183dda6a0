import type { Socket } from 'node:net'
import { failureText } from './failure'
import type { SpanOutcome } from './span-end'

/** Why a connection closed before what was served on it was complete. */
export interface EarlyEnd {
  readonly outcome: SpanOutcome
  readonly error: string | undefined
}

const GONE = /^(ECONNRESET|EPIPE|ERR_HTTP_REQUEST_TIMEOUT|HPE_.*)$/
const CLOSED_HERE = 'this server closed the connection before the response was complete'

/**
 * Who closed `socket` too early: the client (it went away, sent what is not HTTP, or was too slow for `server.requestTimeout`), which
 * is `aborted`, or this process (a time-out of the connection, `res.destroy()`, a pipeline that failed), which is an `error`.
 */
export function earlyEndOf(socket: Partial<Pick<Socket, 'errored' | 'readableEnded'>> | null | undefined): EarlyEnd {
  const errored = socket?.errored as (Error & { readonly code?: unknown }) | null | undefined
  if (socket?.readableEnded === true || socket == null) return { outcome: 'aborted', error: undefined }
  if (errored == null) return { outcome: 'error', error: CLOSED_HERE }
  return { outcome: GONE.test(String(errored.code)) ? 'aborted' : 'error', error: failureText(errored) }
}
