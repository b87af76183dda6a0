import type { IncomingMessage, ServerResponse } from 'node:http'
import { runInScope } from '../lib/context'
import { resolveServerOptions, type ServerOptions, serveRequest, serveUpgrade } from '../lib/span'

export type { ServerOptions } from '../lib/span'

/** What `traceHono` needs of Hono's context. */
export interface HonoContext {
  /** `{ incoming, outgoing }` on @hono/node-server; an upgrade has no `outgoing`. */
  readonly env: unknown
  readonly req: { readonly routePath?: string }
}

/** A middleware of Hono. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<void>

/** A route that matches whatever comes is a middleware's, so nobody has served the request. */
const EVERYTHING = /^\/?\*$/

/**
 * Gives each request that @hono/node-server serves a trace: the caller's, if its headers have a valid one, else a new one.
 *
 * `app.use` it first: whatever runs after it is in the request's trace. The response names the trace in `x-trace-id`. What does not
 * come from Node's HTTP server (`app.request()` in tests) passes untraced. Throws for wrong options only.
 */
export function traceHono(options: ServerOptions = {}): HonoMiddleware {
  const resolved = resolveServerOptions('traceHono', options)

  return function tracelane(context, next) {
    const { incoming, outgoing } = (context.env ?? {}) as { incoming?: IncomingMessage; outgoing?: ServerResponse }
    if (incoming === undefined) return next()
    const scope =
      outgoing === undefined
        ? serveUpgrade('hono', incoming, incoming.socket, resolved)
        : serveRequest('hono', incoming, outgoing, resolved, () => routeOf(context))
    return scope === undefined ? next() : runInScope(scope, next)
  }
}

function routeOf({ req }: HonoContext): string | undefined {
  const route = req.routePath
  return route === undefined || EVERYTHING.test(route) ? undefined : route
}
