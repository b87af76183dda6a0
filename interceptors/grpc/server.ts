import type {
  Deadline,
  Metadata,
  ServerInterceptingCall,
  ServerInterceptingCallInterface,
  ServerInterceptor,
} from '@grpc/grpc-js'
import { currentScope, runInScope, type Scope, type TraceRoot } from '../../lib/context'
import { hasSubscribers, traceEnded } from '../../lib/event'
import { CLOCK_HEADER } from '../../lib/propagation'
import { openServerScope, spanEnded } from '../../lib/span'
import { CallLimit, liftLimit, setLimit } from './limit'
import { markTraced } from './mark'
import { metadataGetter, metadataSetter } from './metadata'
import { type GrpcServerTraceOptions, type ResolvedServerOptions, resolveServerOptions } from './options'
import { type GrpcModule, loadGrpc, quietly } from './peer'
import { grpcCodes, outcomeOfCode, spanName, statusText } from './status'

type Listener = Parameters<ServerInterceptingCallInterface['start']>[0]
type CallFacts = Pick<ServerInterceptingCallInterface, 'getDeadline' | 'getPeer'>
type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0]

const TRACE_ID_KEY = 'x-trace-id'

/** A timer of Node may fire this much before its time. */
const TIMER_SLACK_MS = 1

/**
 * A gRPC server interceptor that gives each call a trace: the caller's, if its metadata has a valid one (W3C trace context), else
 * a new one. For all four call types, `new grpc.Server({ interceptors: [traceServerInterceptor()] })`.
 *
 * Put it first, and once; a second one does nothing. The handler, later interceptors and every event of the call are in the call's trace. The reply names the trace in
 * `x-trace-id`: in the initial metadata, and in the trailers of errors. Needs @grpc/grpc-js 1.10 or later; throws
 * ERR_TRACELANE_PEER_MISSING, ERR_TRACELANE_PEER_TOO_OLD or ERR_TRACELANE_OPTION_*, and in a call nothing.
 */
export function traceServerInterceptor(options?: GrpcServerTraceOptions): ServerInterceptor {
  const resolved = resolveServerOptions(options)
  const grpc = loadGrpc()
  return (method, call) => {
    if (markTraced(call)) new ServedCall(grpc, method.path, resolved).watch(call)
    // grpc-js wants its own class by name, and asks for the methods only.
    return call as ServerInterceptingCall
  }
}

/** One call on the server, from its metadata to its status. */
class ServedCall {
  readonly #grpc: GrpcModule
  readonly #path: string
  readonly #options: ResolvedServerOptions
  readonly #start: number
  #scope: Scope | undefined
  #limit: CallLimit | undefined
  #metadataSent = false
  /** What the reply has said of this trace's clock; trailers repeat the clock only if it has moved since. */
  #clockSent: string | undefined
  #ended = false

  constructor(grpc: GrpcModule, path: string, options: ResolvedServerOptions) {
    this.#grpc = grpc
    this.#path = path
    this.#options = options
    this.#start = options.spans ? performance.now() : 0
  }

  /**
   * Puts what is ours into four methods of `next`, the call nearer to the wire. An override of `sendStatus` in a call of our own would not
   * do: for a deadline or a message that cannot be parsed or serialised, grpc-js calls the innermost call's `sendStatus` itself. And it
   * would hand on everything else too, which costs as much as all that is ours.
   */
  watch(next: ServerInterceptingCallInterface): void {
    const { start, sendMetadata, sendMessage, sendStatus } = next
    next.start = (listener) => start.call(next, this.#listener(listener, next))
    next.sendMetadata = (metadata) => sendMetadata.call(next, this.#opening(metadata))
    next.sendMessage = (message, callback) => sendMessage.call(next, message, this.#bound(callback))
    next.sendStatus = (status) => sendStatus.call(next, this.#closing(status))
  }

  /*
   * `inner` in the scope of the call, which begins with the metadata. The handler of a unary or server-streaming method is called from
   * `onReceiveHalfClose`, that of the other two from `onReceiveMetadata`, and 'cancelled' is emitted from `onCancel`, which the listener of
   * an ordinary interceptor cannot wrap, because it has no `next`. grpc-js takes a listener for an inner one by the arity of
   * `onReceiveMetadata`, which must be 1.
   */
  #listener(inner: Listener, call: CallFacts): Listener {
    return {
      onReceiveMetadata: (metadata: Metadata) => {
        this.#scope = quietly(undefined, () => this.#open(metadata, call))
        this.#run(() => inner.onReceiveMetadata(metadata))
      },
      onReceiveMessage: (message: unknown) => this.#run(() => inner.onReceiveMessage(message)),
      onReceiveHalfClose: () => this.#run(() => inner.onReceiveHalfClose()),
      onCancel: () => {
        try {
          this.#run(() => inner.onCancel())
        } finally {
          this.#cancelled(() => call.getDeadline())
        }
      },
    }
  }

  /* `callback` in the scope of the call; a flow inside it, a `withSpan`, keeps its own. */
  #bound(callback: () => void): () => void {
    const scope = this.#scope
    if (scope === undefined) return callback
    return () => (currentScope()?.root === scope.root ? callback() : runInScope(scope, callback))
  }

  #open(metadata: Metadata, call: CallFacts): Scope {
    const { policy } = this.#options
    // Only a function asks who calls.
    const peer = typeof policy.trust === 'function' ? call.getPeer() : ''
    const scope = openServerScope(metadata, metadataGetter, policy, { path: this.#path, peer, metadata })
    this.#limit = new CallLimit(call.getDeadline())
    setLimit(scope, this.#limit)
    return scope
  }

  #run(action: () => void): void {
    if (this.#scope === undefined) action()
    else runInScope(this.#scope, action)
  }

  #opening(metadata: Metadata): Metadata {
    const scope = this.#scope
    if (scope === undefined || this.#metadataSent) return metadata
    this.#metadataSent = true
    return quietly(metadata, () => this.#stamped(scope, metadata, true))
  }

  #closing(status: Status): Status {
    const scope = this.#scope
    if (scope === undefined || this.#ended) return status
    // Before the trailers, so that the caller's next line sorts after the event of this span too.
    this.#end(scope, status.code, status.details)
    // The reply to a call that sent nothing before its status has no initial metadata.
    const named = !this.#metadataSent || status.code !== grpcCodes.OK
    if (!named && !this.#hasNews(scope.root)) return status
    return quietly(status, () => ({ ...status, metadata: this.#stamped(scope, status.metadata, named) }))
  }

  /* A copy, because the application may send the same object in many replies. */
  #stamped({ context, root }: Scope, metadata: Metadata | null | undefined, named: boolean): Metadata {
    const copy = metadata?.clone() ?? new this.#grpc.Metadata()
    if (named) metadataSetter.set(copy, TRACE_ID_KEY, context.traceId)
    if (this.#hasNews(root)) {
      this.#clockSent = root.clock.send()
      metadataSetter.set(copy, CLOCK_HEADER, this.#clockSent)
    }
    return copy
  }

  #hasNews({ callerSentClock, clock }: TraceRoot): boolean {
    return callerSentClock && clock.toString() !== this.#clockSent
  }

  /* grpc-js cancels every call at its end, also one that went well; only one without a status was broken off. */
  #cancelled(deadline: () => Deadline): void {
    const scope = this.#scope
    if (scope === undefined || this.#ended) return
    const isLate = quietly(false, () => Date.now() + TIMER_SLACK_MS >= Number(deadline()))
    this.#end(scope, isLate ? grpcCodes.DEADLINE_EXCEEDED : grpcCodes.CANCELLED, undefined)
  }

  #end(scope: Scope, code: number, details: unknown): void {
    this.#ended = true
    // A deadline that has passed goes on to bound what a handler does that does not know.
    if (code === grpcCodes.CANCELLED) this.#limit?.cancel()
    else if (code !== grpcCodes.DEADLINE_EXCEEDED) liftLimit(scope)
    if (!hasSubscribers()) return
    const outcome = outcomeOfCode(code)
    if (this.#options.spans) {
      const error = outcome === 'ok' ? undefined : statusText(this.#grpc.status[code], details)
      const durationMs = performance.now() - this.#start
      const record = { kind: 'server', name: spanName(this.#path), outcome, durationMs, status: code, error } as const
      spanEnded(scope, record, this.#options.spans)
    }
    traceEnded({ traceId: scope.context.traceId, failed: outcome !== 'ok' }, scope.root)
  }
}
