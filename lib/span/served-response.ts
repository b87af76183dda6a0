import type { ServerResponse } from 'node:http'
import { runInScope, type Scope } from '../context'
import { CLOCK_HEADER } from '../propagation'

/** The header that names the trace in each response. */
export const TRACE_ID_HEADER = 'x-trace-id'

/** Sets the headers of ours on `res`, unless its head is written already. */
export function sendTrace(res: ServerResponse, scope: Scope): void {
  if (res.headersSent) return
  res.setHeader(TRACE_ID_HEADER, scope.context.traceId)
  if (scope.root.callerSentClock) sendClock(res, scope)
}

/* The clock is read when the head is written, because what was logged until then must sort before what the caller logs next. */
function sendClock(res: ServerResponse, scope: Scope): void {
  const { writeHead } = res
  res.writeHead = function writeHeadWithClock(this: ServerResponse, ...args: Parameters<typeof writeHead>) {
    if (!this.headersSent) this.setHeader(CLOCK_HEADER, scope.root.clock.tick(Date.now()))
    return writeHead.apply(this, args)
  } as typeof writeHead
}

/**
 * Makes the callbacks of `write` and `end` run in `scope`.
 *
 * The response to a pipelined request has no socket yet: what is written to it waits in memory, and the callbacks of `write`, from
 * Node 24 on those of `end` too, then run in the trace of the response before it.
 */
export function bindCallbacks(res: ServerResponse, scope: Scope): void {
  const bound = (arg: unknown): unknown =>
    typeof arg === 'function' ? (error: unknown) => runInScope(scope, () => arg(error)) : arg
  const { write, end } = res
  res.write = function writeInTrace(this: ServerResponse, ...args: unknown[]) {
    return write.apply(this, args.map(bound) as Parameters<typeof write>)
  } as typeof write
  res.end = function endInTrace(this: ServerResponse, ...args: unknown[]) {
    return end.apply(this, args.map(bound) as Parameters<typeof end>)
  } as typeof end
}
