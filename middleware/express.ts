import type { IncomingMessage, ServerResponse } from 'node:http'
import { types } from 'node:util'
import { emitWithin, mergeFields, rootOf, runInScope, type Scope, scopeOf, scopeOfEmitter, TraceContext } from '../lib/context'
import { complain, counters } from '../lib/diagnostics'
import { traceEnded } from '../lib/event'
import { checkOptions, rules } from '../lib/internal/options'
import { CLOCK_HEADER, type Getter } from '../lib/propagation'
import { failureText, httpSpanName, openServerScope, type SpanOutcome, spanEnded } from '../lib/span'

/** Options of `traceMiddleware`. */
export interface TraceMiddlewareOptions<Req extends IncomingMessage = IncomingMessage> {
  /**
   * The business id of a request (an order number, a customer), which becomes the MDC field `businessId` of all its events. It is
   * called before any other middleware, in the request's trace: no body and no route parameters yet. More than 256 characters are
   * cut off. If it throws, the request goes on without one, and that is counted.
   */
  readonly businessId?: (req: Req) => string | undefined
  /**
   * Sends the business id on to other services, as baggage member `business-id`.
   * @default false
   */
  readonly businessIdBaggage?: boolean
  /**
   * Emits an event at the end of each request: how long it took and how it went.
   * @default true
   */
  readonly spans?: boolean
}

/** A middleware of Express 4 and 5, connect, and whatever else calls `(req, res, next)` with Node's own request. */
export type TraceMiddleware<Req extends IncomingMessage = IncomingMessage> = (
  req: Req,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

const TRACE_ID_HEADER = 'x-trace-id'
const MAX_BUSINESS_ID = 256
const FIRST_SERVER_ERROR = 500

const OPTIONS = { businessId: rules.function, businessIdBaggage: rules.boolean, spans: rules.boolean }

/**
 * Gives each request a trace: the caller's, if its headers have a valid one (W3C trace context), else a new one.
 *
 * Mount it first: whatever runs after it, and every event of `req` and `res`, is in the request's trace. The response names the
 * trace in `x-trace-id`. Throws for wrong options only; errors, status codes and routes stay Express's own business.
 */
export function traceMiddleware<Req extends IncomingMessage = IncomingMessage>(
  options: TraceMiddlewareOptions<Req> = {},
): TraceMiddleware<Req> {
  checkOptions('traceMiddleware', options, OPTIONS)
  const { businessId, businessIdBaggage = false, spans = true } = options

  return function tracelane(req, res, next) {
    let scope = scopeOfEmitter(req)
    if (scope === undefined) {
      try {
        scope = openServerScope(req, requestGetter)
        if (businessId !== undefined) scope = withBusinessId(scope, () => businessId(req), businessIdBaggage)
        trace(req, res, scope, spans)
      } catch (error) {
        complain('express', `a request could not be traced: ${failureText(error)}`)
      }
    }
    // Mounted twice, or again behind a middleware that lost the context: the trace that the request has is the right one.
    if (scope === undefined) next()
    else runInScope(scope, next)
  }
}

/*
 * Node joins the values of a repeated header with ", ". A `traceparent` of a later version may contain that text, so only
 * `headersDistinct` tells whether it was sent twice; it is slow, so it is asked only if there is a comma at all.
 */
const requestGetter: Getter<IncomingMessage> = {
  get({ headers, headersDistinct }, key) {
    const value = headers[key]
    return typeof value === 'string' && value.includes(',') ? (headersDistinct?.[key] ?? value) : value
  },
}

function withBusinessId(scope: Scope, read: () => unknown, travels: boolean): Scope {
  let given: unknown
  try {
    given = runInScope(scope, read)
  } catch {
    counters.userCallbackErrors++
    return scope
  }
  if (given === undefined || given === '') return scope
  if (typeof given !== 'string') {
    counters.userCallbackErrors++
    // An async callback is a mistake; its rejection would end the process.
    if (types.isPromise(given)) given.catch(() => undefined)
    return scope
  }
  const id = given.slice(0, MAX_BUSINESS_ID)
  const { context } = scope
  const baggage = travels ? context.baggage.with('business-id', id) : context.baggage
  const told = travels ? new TraceContext({ ...context, baggage }, rootOf(context)) : context
  return scopeOf(told, scope, mergeFields(scope.mdc, { businessId: id }))
}

function trace(req: IncomingMessage, res: ServerResponse, scope: Scope, spans: boolean): void {
  const start = performance.now()
  const name = httpSpanName(req.method ?? 'GET', (req as { originalUrl?: string }).originalUrl ?? req.url ?? '')
  emitWithin(req, scope)
  emitWithin(res, scope)
  if (res.socket === null) bindCallbacks(res, scope)
  if (!res.headersSent) {
    res.setHeader(TRACE_ID_HEADER, scope.context.traceId)
    if (scope.root.callerSentClock) sendClock(res, scope)
  }
  let ended = false
  const end = (outcome: SpanOutcome, status: number | undefined): void => {
    if (ended) return
    ended = true
    if (spans) spanEnded(scope, { kind: 'server', name, outcome, durationMs: performance.now() - start, status })
    traceEnded({ traceId: scope.context.traceId, failed: outcome !== 'ok' })
  }
  res.once('finish', () => end(res.statusCode >= FIRST_SERVER_ERROR ? 'error' : 'ok', res.statusCode))
  res.once('close', () => end('aborted', res.headersSent ? res.statusCode : undefined))
}

/* The clock is read when the head is written, because what was logged until then must sort before what the caller logs next. */
function sendClock(res: ServerResponse, scope: Scope): void {
  const { writeHead } = res
  res.writeHead = function writeHeadWithClock(this: ServerResponse, ...args: Parameters<typeof writeHead>) {
    if (!this.headersSent) this.setHeader(CLOCK_HEADER, scope.root.clock.tick(Date.now()))
    return writeHead.apply(this, args)
  } as typeof writeHead
}

/*
 * The response to a pipelined request has no socket yet: what is written to it waits in memory, and the callbacks of `write`, from
 * Node 24 on those of `end` too, then run in the trace of the response before it.
 */
function bindCallbacks(res: ServerResponse, scope: Scope): void {
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
