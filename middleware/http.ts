import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { runInScope } from '../lib/context'
import { resolveServerOptions, type ServerOptions, serveRequest, serveUpgrade } from '../lib/span'

export type { ServerOptions } from '../lib/span'

/** A listener for the event 'request' of a server of node:http or node:https. */
export type RequestListener<Req extends IncomingMessage = IncomingMessage, Res extends ServerResponse = ServerResponse> = (
  req: Req,
  res: Res,
) => unknown

/** A listener for the events 'upgrade' and 'connect' of a server of node:http or node:https. */
export type UpgradeListener<Req extends IncomingMessage = IncomingMessage> = (req: Req, socket: Duplex, head: Buffer) => unknown

/**
 * Gives each request a trace (the caller's, if its headers have a valid one, else a new one) and calls `listener` in it.
 *
 * For servers without a framework, and around the listener of any framework: `createServer(traceListener(app.callback()))`. The
 * returned function passes on `this`, what `listener` returns and what it throws. Throws for wrong options only.
 */
export function traceListener<Req extends IncomingMessage = IncomingMessage, Res extends ServerResponse = ServerResponse>(
  listener: RequestListener<Req, Res>,
  options: ServerOptions<Req> = {},
): RequestListener<Req, Res> {
  const resolved = resolveServerOptions('traceListener', options)

  return function tracelane(this: unknown, req, res) {
    const scope = serveRequest('http', req, res, resolved)
    return scope === undefined ? listener.call(this, req, res) : runInScope(scope, () => listener.call(this, req, res))
  }
}

/**
 * Gives each upgrade request (a websocket's handshake) a trace and calls `listener` in it: `server.on('upgrade', traceUpgrade(...))`.
 *
 * All events of the socket are in that trace for as long as it is open, and so is what a websocket library does with a message; its
 * span ends with the connection. The answer is the listener's own: nothing is added to it. Throws for wrong options only.
 */
export function traceUpgrade<Req extends IncomingMessage = IncomingMessage>(
  listener: UpgradeListener<Req>,
  options: ServerOptions<Req> = {},
): UpgradeListener<Req> {
  const resolved = resolveServerOptions('traceUpgrade', options)

  return function tracelane(this: unknown, req, socket, head) {
    const scope = serveUpgrade('http', req, socket, resolved)
    const serve = (): unknown => listener.call(this, req, socket, head)
    return scope === undefined ? serve() : runInScope(scope, serve)
  }
}
