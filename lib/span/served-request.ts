import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type EmitWatcher, emitWithin, type Scope, scopeOfEmitter, watcherOfEmitter } from '../context'
import { complain } from '../diagnostics'
import { hasSubscribers, traceEnded } from '../event'
import { probe } from '../internal/probe'
import { earlyEndOf } from './connection-end'
import { FIRST_SERVER_ERROR, failureText } from './failure'
import { httpSpanName } from './http-name'
import { openRequestScope } from './request-scope'
import { bindCallbacks, sendTrace } from './served-response'
import type { ResolvedServerOptions } from './server-options'
import { isSilent } from './silence'
import type { SpanChoice } from './span-choice'
import { type SpanOutcome, type SpanRecord, spanEnded } from './span-end'

const MAX_ROUTE = 256
/** Gives the pattern of the route that served a request (`/orders/:id`); it is asked at the end. */
export type RouteReader = () => unknown

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
  if (probe.served !== undefined) probe.served(room, req, scope !== undefined)
  try {
    if (scope === undefined) {
      scope = openRequestScope(req, options)
      const served = new ServedRequest(req, res, scope, options.spans, isSilent(scope, req, options), route)
      emitWithin(req, scope)
      emitWithin(res, scope, served)
      if (res.socket === null) bindCallbacks(res, scope)
      sendTrace(res, scope)
    } else if (route !== undefined) {
      const served = watcherOfEmitter(res)
      // By its shape, because another copy of the kit may have been first.
      if (served !== undefined && 'route' in served) served.route = route
    }
  } catch (error) {
    complain(room, `a request could not be traced: ${failureText(error)}`)
  }
  return scope
}

/* A stream of HTTP/2 that was reset says 'finish' all the same; responses of HTTP/1 have none. */
function wasReset(res: ServerResponse): boolean {
  const { stream } = res as { stream?: { readonly rstCode?: number } }
  return stream !== undefined && (!res.writableEnded || (stream.rstCode ?? 0) > 0)
}

/**
 * One request from its arrival to the event that tells how it went. It hangs on the response, and nowhere else.
 *
 * It watches the response's `emit` and is none of its listeners: those are the application's own, in number and order.
 */
class ServedRequest implements EmitWatcher {
  route: RouteReader | undefined
  readonly #res: ServerResponse
  readonly #scope: Scope
  readonly #method: string
  readonly #target: string
  readonly #spans: SpanChoice
  readonly #silent: boolean
  readonly #start: number
  #socket: Socket | undefined
  #bytesBefore = 0
  #bytesSent: number | undefined
  #ended = false

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    scope: Scope,
    spans: SpanChoice,
    silent: boolean,
    route: RouteReader | undefined,
  ) {
    this.#res = res
    this.#scope = scope
    this.#spans = spans
    this.#silent = silent
    this.route = route
    // What no event tells is not looked up: that is dear on the objects that Express makes.
    this.#method = spans ? (req.method ?? 'GET') : ''
    this.#target = spans ? ((req as { originalUrl?: string }).originalUrl ?? req.url ?? '') : ''
    this.#start = spans ? performance.now() : 0
    // Streams of HTTP/2 share their connection all the time, so nothing is counted there.
    if (spans && !(req.httpVersionMajor > 1) && res.socket !== null) this.#startCounting(res.socket)
  }

  emitted(event: string | symbol, first: unknown): void {
    switch (event) {
      case 'socket':
        if (this.#spans) this.#startCounting(first as Socket)
        return
      case 'finish':
      case 'close':
        // How it ended is looked up for those who are told.
        if (this.#ended) return
        if (!hasSubscribers()) this.#ended = true
        else if (event === 'finish') this.#endWell(this.#res)
        else this.#endEarly(this.#res)
    }
  }

  /*
   * What a connection has written grows by this response only from the time it gets the socket (a pipelined one waits for it) to
   * 'finish': Node's own listener, which gives the socket to the next response, comes after the watcher.
   */
  #startCounting(socket: Socket): void {
    this.#socket = socket
    this.#bytesBefore = socket.bytesWritten
  }

  #stopCounting(): void {
    // What light-my-request (`inject` of Fastify) has for a socket counts nothing.
    if (this.#socket?.bytesWritten !== undefined) this.#bytesSent ??= this.#socket.bytesWritten - this.#bytesBefore
  }

  #endWell(res: ServerResponse): void {
    if (wasReset(res)) {
      this.#endEarly(res)
      return
    }
    this.#stopCounting()
    this.#end(res.statusCode >= FIRST_SERVER_ERROR ? 'error' : 'ok', res.statusCode, undefined)
  }

  #endEarly(res: ServerResponse): void {
    this.#stopCounting()
    const { outcome, error } = earlyEndOf(this.#socket ?? res.socket)
    this.#end(outcome, res.headersSent ? res.statusCode : undefined, error)
  }

  #end(outcome: SpanOutcome, status: number | undefined, error: string | undefined): void {
    this.#ended = true
    const scope = this.#scope
    if (this.#spans && !(this.#silent && outcome === 'ok')) {
      const record: SpanRecord = {
        kind: 'server',
        name: httpSpanName(this.#method, this.#target),
        outcome,
        durationMs: performance.now() - this.#start,
        status,
        error,
        method: this.#method,
        route: this.#routePattern(),
        bytesSent: this.#bytesSent,
      }
      spanEnded(scope, record, this.#spans)
    }
    traceEnded({ traceId: scope.context.traceId, failed: outcome !== 'ok' }, scope.root)
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
