import type { IncomingMessage, ServerResponse } from 'node:http'
import { runInScope, type Scope } from '../lib/context'
import { keepTraceId, resolveServerOptions, type ServerOptions, serveRequest } from '../lib/span'

export type { ServerOptions } from '../lib/span'

/** What `traceKoa` needs of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  onerror(error: Error): void
  /** The routers of Koa leave the pattern of the route here. */
  readonly _matchedRoute?: unknown
}

/** A middleware of Koa. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>

/**
 * Gives each request a trace: the caller's, if its headers have a valid one (W3C trace context), else a new one.
 *
 * `app.use` it first: whatever runs after it, every event of `ctx.req` and `ctx.res`, and `app.on('error')` are in the request's
 * trace. The response names the trace in `x-trace-id`. Throws for wrong options only.
 */
export function traceKoa(options: ServerOptions = {}): KoaMiddleware {
  const resolved = resolveServerOptions('traceKoa', options)

  return function tracelane(context, next) {
    const scope = serveRequest('koa', context.req, context.res, resolved, () => routeOf(context))
    if (scope === undefined) return next()
    reportWithin(context, scope)
    return runInScope(scope, next)
  }
}

/* Koa calls it outside the chain of middleware, and it emits the 'error' of the app, which is where applications log. */
function reportWithin(context: KoaContext, scope: Scope): void {
  const { onerror } = context
  const value = (error: Error | null): void => {
    // Koa takes all headers off before it answers with an error. It is called at the end of each response, too.
    if (error !== null) keepTraceId(context.res)
    runInScope(scope, () => onerror.call(context, error as Error))
  }
  Object.defineProperty(context, 'onerror', { value, writable: true, configurable: true })
}

function routeOf({ _matchedRoute: route }: KoaContext): string | undefined {
  return route === undefined ? undefined : String(route)
}
