import type { IncomingMessage, ServerResponse } from 'node:http'
import { emitWithin, type Scope, scopeOfEmitter } from '../context'
import { complain } from '../diagnostics'
import { traceEnded } from '../event'
import type { Getter } from '../propagation'
import { withBusinessId } from './business-id'
import { failureText } from './failure'
import { httpSpanName } from './http-name'
import { bindCallbacks, sendTrace } from './served-response'
import type { ResolvedServerOptions } from './server-options'
import { openServerScope } from './server-span'
import { type SpanOutcome, spanEnded } from './span-end'

const FIRST_SERVER_ERROR = 500

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

/**
 * Gives a request of Node's own HTTP server its trace: opens its scope, ties the events of `req` and `res` to it, names the trace
 * in the response, and watches for the end. Run whatever serves the request in the scope that it returns.
 *
 * A request that has a trace already (a middleware mounted twice, or behind one that lost the context) keeps it. Never throws;
 * undefined if the request could not be traced, which is then told on stderr by the name of the `room`.
 */
export function serveRequest<Req extends IncomingMessage>(
  room: string,
  req: Req,
  res: ServerResponse,
  options: ResolvedServerOptions<Req>,
): Scope | undefined {
  let scope = scopeOfEmitter(req)
  if (scope !== undefined) return scope
  try {
    scope = openRequestScope(req, options)
    trace(req, res, scope, options.spans)
  } catch (error) {
    complain(room, `a request could not be traced: ${failureText(error)}`)
  }
  return scope
}

function openRequestScope<Req extends IncomingMessage>(req: Req, options: ResolvedServerOptions<Req>): Scope {
  const { businessId, businessIdBaggage, policy } = options
  const scope = openServerScope(req, requestGetter, policy, req)
  return businessId === undefined ? scope : withBusinessId(scope, () => businessId(req), businessIdBaggage)
}

function trace(req: IncomingMessage, res: ServerResponse, scope: Scope, spans: boolean): void {
  const start = performance.now()
  const name = httpSpanName(req.method ?? 'GET', (req as { originalUrl?: string }).originalUrl ?? req.url ?? '')
  emitWithin(req, scope)
  emitWithin(res, scope)
  if (res.socket === null) bindCallbacks(res, scope)
  sendTrace(res, scope)
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
