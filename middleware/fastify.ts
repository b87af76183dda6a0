import type { IncomingMessage, ServerResponse } from 'node:http'
import { runInScope } from '../lib/context'
import { resolveServerOptions, type ServerOptions, serveRequest } from '../lib/span'

export type { ServerOptions } from '../lib/span'

/** What `traceFastify` needs of Fastify's request. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage
  readonly routeOptions?: { readonly url?: string | undefined }
}

/** What `traceFastify` needs of Fastify's reply. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse
}

/** What `traceFastify` needs of a Fastify instance. */
export interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: (error?: Error) => void) => void,
  ): unknown
}

/** A plugin of Fastify that adds its hook to the instance that registers it, and to all below. */
export type FastifyPlugin = (instance: FastifyLike, options: unknown, done: (error?: Error) => void) => void

/**
 * A plugin that gives each request a trace: the caller's, if its headers have a valid one (W3C trace context), else a new one.
 *
 * Register it first: `app.register(traceFastify())`. The hooks after it, parsers, handlers, error handlers and every event of
 * `request.raw` and `reply.raw` are in the request's trace. The response names it in `x-trace-id`. Throws for wrong options only.
 */
export function traceFastify(options: ServerOptions = {}): FastifyPlugin {
  const resolved = resolveServerOptions('traceFastify', options)

  function tracelane(instance: FastifyLike, _options: unknown, done: (error?: Error) => void): void {
    instance.addHook('onRequest', (request, reply, next) => {
      const scope = serveRequest('fastify', request.raw, reply.raw, resolved, () => request.routeOptions?.url)
      if (scope === undefined) next()
      else runInScope(scope, next)
    })
    done()
  }
  // What fastify-plugin sets: the hook is for the instance that registers the plugin, not for a child of it
  return Object.assign(tracelane, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'tracelane',
  })
}
