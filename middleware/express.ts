import type { IncomingMessage, ServerResponse } from 'node:http'
import { runInScope } from '../lib/context'
import { resolveServerOptions, type ServerOptions, serveRequest } from '../lib/span'

/** Options of `traceMiddleware`. */
export interface TraceMiddlewareOptions<Req extends IncomingMessage = IncomingMessage> extends ServerOptions<Req> {}

/** A middleware of Express 4 and 5, connect, and whatever else calls `(req, res, next)` with Node's own request. */
export type TraceMiddleware<Req extends IncomingMessage = IncomingMessage> = (
  req: Req,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Gives each request a trace: the caller's, if its headers have a valid one (W3C trace context), else a new one.
 *
 * Mount it first: whatever runs after it, and every event of `req` and `res`, is in the request's trace. The response names the
 * trace in `x-trace-id`. Throws for wrong options only; errors, status codes and routes stay Express's own business.
 */
export function traceMiddleware<Req extends IncomingMessage = IncomingMessage>(
  options: TraceMiddlewareOptions<Req> = {},
): TraceMiddleware<Req> {
  const resolved = resolveServerOptions('traceMiddleware', options)

  return function tracelane(req, res, next) {
    const scope = serveRequest('express', req, res, resolved, () => routeOf(req))
    if (scope === undefined) next()
    else runInScope(scope, next)
  }
}

interface RoutedRequest {
  readonly route?: { readonly path?: unknown }
  readonly baseUrl?: string
  readonly originalUrl?: string
}

/* Segments that always match exactly one of the path: text, or one parameter. */
const PLAIN = /^(\/:?[\w.~-]+)*\/?$/

/*
 * A route knows its path below its router only, and `baseUrl` is reset when an error leaves that router. What stands before a plain path
 * is as many segments of the URL as it does not match itself.
 */
function routeOf(req: IncomingMessage & RoutedRequest): string | undefined {
  const path = req.route?.path
  if (path === undefined) return undefined
  if (typeof path !== 'string' || !PLAIN.test(path)) return `${req.baseUrl ?? ''}${String(path)}`
  const own = path.split('/').filter(Boolean)
  const all = (req.originalUrl ?? req.url ?? '')
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter(Boolean)
  return `/${[...all.slice(0, Math.max(0, all.length - own.length)), ...own].join('/')}`
}
