import type { InterceptingCall, Interceptor, InterceptorOptions, Metadata, NextCall } from '@grpc/grpc-js'
import { currentFlow, runInScope, type Scope } from '../../lib/context'
import { hasSubscribers } from '../../lib/event'
import { CLOCK_HEADER, carriesOwnContext, injectAround, receiveReplyClock } from '../../lib/propagation'
import { type ClientPolicy, openClientScope, type SpanRecord, spanEnded, targetsNow, toldContext } from '../../lib/span'
import { type CallLimit, currentLimit, earlierDeadline } from './limit'
import { markTraced } from './mark'
import { metadataGetter, metadataSetter } from './metadata'
import { type GrpcClientTraceOptions, resolveClientOptions } from './options'
import { type GrpcModule, loadGrpc, quietly } from './peer'
import { grpcCodes, outcomeOfCode, spanName, statusText } from './status'

type Call = ReturnType<NextCall>
type PartialListener = NonNullable<Parameters<Call['start']>[1]>
type Listener = Required<PartialListener>
type MessageContext = Parameters<Call['sendMessageWithContext']>[0]
type Status = Parameters<Listener['onReceiveStatus']>[0]

/**
 * A gRPC client interceptor that sends the trace context along with each call, and moves the trace's clock by that of the reply.
 * For all four call types, `new StockClient(address, credentials, { interceptors: [traceClientInterceptor()] })`, or in the
 * options of one call.
 *
 * Each call is a new span under the caller's, or a new trace outside any; its callbacks and events are in the scope in which the
 * call was made. One that is given twice traces once. The caller's `Metadata` is not changed; a valid `traceparent` in it is left alone, with all that belongs to it, and so
 * is its own `baggage`. Needs @grpc/grpc-js 1.10 or later; throws ERR_TRACELANE_PEER_MISSING, ERR_TRACELANE_PEER_TOO_OLD or
 * ERR_TRACELANE_OPTION_*, and in a call nothing.
 */
export function traceClientInterceptor(options?: GrpcClientTraceOptions): Interceptor {
  const resolved = resolveClientOptions(options)
  const grpc = loadGrpc()
  return (callOptions: InterceptorOptions, nextCall: NextCall) => {
    const limit = resolved.propagateDeadline ? currentLimit() : undefined
    const made = new MadeCall(grpc, callOptions.method_definition.path, resolved, limit)
    const call = nextCall(limit === undefined ? callOptions : bounded(callOptions, limit))
    if (markTraced(call)) made.watch(call)
    // grpc-js wants its own class by name, and asks for the methods only.
    return call as InterceptingCall
  }
}

function bounded(options: InterceptorOptions, limit: CallLimit): InterceptorOptions {
  const deadline = earlierDeadline(options.deadline, limit)
  return deadline === undefined ? options : { ...options, deadline }
}

/**
 * One call of a client.
 *
 * All calls of a channel share one HTTP/2 session, so grpc-js calls back in the asynchronous context of whichever call made
 * the session, or wrote to it last. Each hook goes back to the scope of its own caller, which is kept when the call is made.
 */
class MadeCall {
  readonly #grpc: GrpcModule
  readonly #name: string
  readonly #policy: ClientPolicy
  readonly #caller = currentFlow()
  readonly #scope: Scope = openClientScope()
  readonly #start: number
  /** The callee was told this trace's clock, so the clock of its reply may move ours. */
  #clockSent = false
  readonly #limit: CallLimit | undefined
  #ended = false
  #leaveLimit: (() => void) | undefined

  constructor(grpc: GrpcModule, path: string, policy: ClientPolicy, limit: CallLimit | undefined) {
    this.#limit = limit
    this.#grpc = grpc
    this.#name = spanName(path)
    this.#policy = policy
    this.#start = policy.spans ? performance.now() : 0
  }

  /**
   * Puts what is ours into two methods of `call`, the next one towards the wire. A call of our own around it, as grpc-js has it for
   * interceptors, would hand on everything else too, which costs as much as all that is ours.
   */
  watch(call: Call): void {
    const { start, sendMessageWithContext } = call
    call.start = (metadata, listener) => {
      start.call(
        call,
        quietly(metadata, () => this.#told(metadata, call)),
        this.#listener(listener ?? {}, call),
      )
      if (this.#limit !== undefined) this.#started(call, this.#limit)
    }
    call.sendMessageWithContext = (context, message) => sendMessageWithContext.call(call, this.#bound(context), message)
  }

  /* A copy of `metadata` with the trace context; `metadata` itself if it has a valid one, or `peer` is not on the allow-list. */
  #told(metadata: Metadata, call: Call): Metadata {
    const targets = targetsNow(this.#policy)
    if (targets !== undefined && !targets(hostAndPort(call.getPeer()) ?? '')) return metadata
    if (carriesOwnContext(metadata, metadataGetter)) {
      this.#clockSent = metadataGetter.get(metadata, CLOCK_HEADER) !== undefined
      return metadata
    }
    const copy = metadata.clone()
    copy.remove(CLOCK_HEADER)
    injectAround(toldContext(this.#scope.context, targets), metadata, metadataGetter, copy, metadataSetter)
    this.#clockSent = metadataGetter.get(copy, CLOCK_HEADER) !== undefined
    return copy
  }

  /* Puts the call under the limit of the one that is served. */
  #started(call: Call, limit: CallLimit): void {
    const cancel = (): void => call.cancelWithStatus(grpcCodes.CANCELLED, 'the call that is served was cancelled')
    if (!this.#ended) this.#leaveLimit = limit.onCancel(cancel)
  }

  /* `inner` in the scope of the caller. The arity of `onReceiveMetadata` must be 1: it tells grpc-js what kind of listener this is. */
  #listener(inner: PartialListener, call: Call): Listener {
    return {
      onReceiveMetadata: (metadata: Metadata) => {
        this.#replied(metadata)
        this.#run(() => inner.onReceiveMetadata?.(metadata))
      },
      onReceiveMessage: (message: unknown) => this.#run(() => inner.onReceiveMessage?.(message)),
      onReceiveStatus: (status: Status) => {
        this.#replied(status.metadata)
        this.#end(status, call)
        this.#run(() => inner.onReceiveStatus?.(status))
      },
    }
  }

  /* `context` with its write callback in the scope of the caller. */
  #bound(context: MessageContext): MessageContext {
    const { callback } = context
    if (callback === undefined) return context
    return { ...context, callback: (error) => this.#run(() => callback(error)) }
  }

  #run(action: () => void): void {
    if (currentFlow() === this.#caller) action()
    else runInScope(this.#caller, action)
  }

  #replied(metadata: Metadata | undefined): void {
    if (!this.#clockSent || metadata === undefined) return
    quietly(undefined, () => receiveReplyClock(this.#scope.root, metadataGetter.get(metadata, CLOCK_HEADER)))
  }

  #end({ code, details }: Status, call: Call): void {
    if (this.#ended) return
    this.#ended = true
    this.#leaveLimit?.()
    if (!this.#policy.spans || !hasSubscribers()) return
    const outcome = outcomeOfCode(code)
    const record: SpanRecord = {
      kind: 'client',
      name: this.#name,
      outcome,
      durationMs: performance.now() - this.#start,
      status: code,
      peer: quietly(undefined, () => hostAndPort(call.getPeer())),
      error: outcome === 'ok' ? undefined : statusText(this.#grpc.status[code], details),
    }
    spanEnded(this.#scope, record, this.#policy.spans)
  }
}

/*
 * Before there is a connection the peer is the target as it was given (`dns:stock:50051`, `dns://8.8.8.8/stock:50051`), or
 * 'unknown' in older versions of grpc-js.
 */
function hostAndPort(peer: string): string | undefined {
  return peer === 'unknown' ? undefined : peer.replace(/^(?:dns|ipv4|ipv6):(?:\/\/[^/]*\/)?/, '')
}
