import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { emitWithin, type Scope, scopeOfEmitter } from '../context'
import { complain } from '../diagnostics'
import { traceEnded } from '../event'
import { failureText } from './failure'
import { httpSpanName } from './http-name'
import { openRequestScope } from './request-scope'
import type { ResolvedServerOptions } from './server-options'
import { isSilent } from './silence'
import { spanEnded } from './span-end'

type Connection = Duplex & { readonly bytesWritten?: number }

/**
 * Gives a request that turns its connection into something else (a websocket) its trace: from now on every event of `socket` is in
 * it, so whatever a websocket library does with a message is too. The span ends with the connection.
 *
 * Never throws; undefined if the request could not be traced, which is then told on stderr by the name of the `room`.
 */
export function serveUpgrade<Req extends IncomingMessage>(
  room: string,
  req: Req,
  socket: Duplex,
  options: ResolvedServerOptions<Req>,
): Scope | undefined {
  let scope = scopeOfEmitter(req)
  if (scope !== undefined) return scope
  try {
    scope = openRequestScope(req, options)
    trace(req, socket, scope, options)
  } catch (error) {
    complain(room, `an upgrade could not be traced: ${failureText(error)}`)
  }
  return scope
}

function trace<Req extends IncomingMessage>(
  req: Req,
  socket: Connection,
  scope: Scope,
  options: ResolvedServerOptions<Req>,
): void {
  const silent = isSilent(scope, req, options)
  const start = performance.now()
  const method = req.method ?? 'GET'
  const name = httpSpanName(method, req.url ?? '')
  const bytesBefore = socket.bytesWritten
  emitWithin(req, scope)
  emitWithin(socket, scope)
  socket.once('close', () => {
    const error = socket.errored == null ? undefined : failureText(socket.errored)
    const outcome = error === undefined ? 'ok' : 'aborted'
    const bytesSent = bytesBefore === undefined ? undefined : (socket.bytesWritten ?? 0) - bytesBefore
    if (options.spans && !(silent && outcome === 'ok')) {
      const durationMs = performance.now() - start
      spanEnded(scope, { kind: 'server', name, outcome, durationMs, error, method, bytesSent }, options.spans)
    }
    traceEnded({ traceId: scope.context.traceId, failed: outcome !== 'ok' }, scope.root)
  })
}
