import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { emitWithin, type Scope, scopeOfEmitter } from '../context'
import { complain } from '../diagnostics'
import { traceEnded } from '../event'
import { earlyEndOf } from './connection-end'
import { failureText } from './failure'
import { httpSpanName } from './http-name'
import { openRequestScope } from './request-scope'
import { bindCallbacks, sendTrace } from './served-response'
import type { ResolvedServerOptions } from './server-options'
import { isSilent } from './silence'
import { type SpanOutcome, spanEnded } from './span-end'

const FIRST_SERVER_ERROR = 500
const MAX_ROUTE = 256
const SERVED = Symbol.for('tracelane.served')

/** Gives the pattern of the route that served a request (`/orders/:id`); it is asked at the end. */
export type RouteReader = () => unknown

/** Our listener for the end of a response; whoever mounts a middleware again finds the request there. */
type EndListener = (() => void) & { [SERVED]?: ServedRequest }

/**
 * Gives a request of Node's own HTTP server its trace: opens its scope, ties the events of `req` and `res` to it, names the trace
 * in the response, and watches for the end. Run whatever serves the request in the scope that it returns.
 *
 * A request that has a trace already (a middleware mounted twice, or behind one that lost the context) keeps it, and only learns
 * its `route`. Never throws; undefined if the request could not be traced, which is then told on stderr by the name of the `room`.
 */
export function serveRequest<Req extends IncomingMessage>(
  room: string,
  req: Req,
  res: ServerResponse,
  options: ResolvedServerOptions<Req>,
  route?: RouteReader,
): Scope | undefined {
  let scope = scopeOfEmitter(req)
  try {
    if (scope === undefined) {
      scope = openRequestScope(req, options)
      trace(req, res, scope, options).route = route
    } else if (route !== undefined) {
      const served = servedBy(res)
      if (served !== undefined) served.route = route
    }
  } catch (error) {
    complain(room, `a request could not be traced: ${failureText(error)}`)
  }
  return scope
}

function trace<Req extends IncomingMessage>(
  req: Req,
  res: ServerResponse,
  scope: Scope,
  options: ResolvedServerOptions<Req>,
): ServedRequest {
  const silent = isSilent(scope, req, options)
  emitWithin(req, scope)
  emitWithin(res, scope)
  if (res.socket === null) bindCallbacks(res, scope)
  sendTrace(res, scope)
  const served = new ServedRequest(req, scope, options.spans, silent)
  const closed = (): void => served.closed(res)
  const finished: EndListener = () => {
    // 'close' comes from the socket and would be run in the scope, if anybody heard it.
    res.removeListener('close', closed)
    served.finished(res)
  }
  finished[SERVED] = served
  res.once('finish', finished)
  res.once('close', closed)
  if (options.spans) served.countBytes(res)
  return served
}

function servedBy(res: ServerResponse): ServedRequest | undefined {
  const ours = (res.listeners('finish') as EndListener[]).find((listener) => listener[SERVED] !== undefined)
  return ours?.[SERVED]
}

/** One request from its arrival to the event that tells how it went. It hangs on the response, and nowhere else. */
class ServedRequest {
  route: RouteReader | undefined
  readonly #scope: Scope
  readonly #method: string
  readonly #target: string
  readonly #spans: boolean
  readonly #silent: boolean
  readonly #start = performance.now()
  #socket: Socket | undefined
  #bytesBefore = 0
  #bytesSent: number | undefined
  #ended = false

  constructor(req: IncomingMessage, scope: Scope, spans: boolean, silent: boolean) {
    this.#scope = scope
    this.#method = req.method ?? 'GET'
    this.#target = (req as { originalUrl?: string }).originalUrl ?? req.url ?? ''
    this.#spans = spans
    this.#silent = silent
  }

  /*
   * What a connection has written grows by this response only from the time it gets the socket (a pipelined one waits for it) to
   * 'prefinish', when all of it has been handed over; at 'finish' the socket may belong to the next response already. Streams of
   * HTTP/2 share their connection all the time, so nothing is counted there.
   */
  countBytes(res: ServerResponse): void {
    const begin = (socket: Socket): void => {
      this.#socket = socket
      this.#bytesBefore = socket.bytesWritten
    }
    if (res.req?.httpVersionMajor > 1) return
    if (res.socket === null) res.once('socket', begin)
    else begin(res.socket)
    res.once('prefinish', () => this.#stopCounting())
  }

  finished(res: ServerResponse): void {
    this.#end(res.statusCode >= FIRST_SERVER_ERROR ? 'error' : 'ok', res.statusCode, undefined)
  }

  closed(res: ServerResponse): void {
    if (this.#ended) return
    this.#stopCounting()
    const { outcome, error } = earlyEndOf(this.#socket ?? res.socket)
    this.#end(outcome, res.headersSent ? res.statusCode : undefined, error)
  }

  #stopCounting(): void {
    if (this.#socket !== undefined) this.#bytesSent ??= this.#socket.bytesWritten - this.#bytesBefore
  }

  #end(outcome: SpanOutcome, status: number | undefined, error: string | undefined): void {
    if (this.#ended) return
    this.#ended = true
    const scope = this.#scope
    if (this.#spans && !(this.#silent && outcome === 'ok')) {
      spanEnded(scope, {
        kind: 'server',
        name: httpSpanName(this.#method, this.#target),
        outcome,
        durationMs: performance.now() - this.#start,
        status,
        error,
        method: this.#method,
        route: this.#routePattern(),
        bytesSent: this.#bytesSent,
      })
    }
    traceEnded({ traceId: scope.context.traceId, failed: outcome !== 'ok' })
  }

  #routePattern(): string | undefined {
    try {
      const pattern = this.route?.()
      return typeof pattern === 'string' && pattern !== '' ? pattern.slice(0, MAX_ROUTE) : undefined
    } catch {
      return undefined
    }
  }
}
