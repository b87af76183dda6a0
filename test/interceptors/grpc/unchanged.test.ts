import type { EventEmitter } from 'node:events'
import { type Interceptor, Metadata, type ServerInterceptor, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { runWithTrace } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { type CallType, callTypes } from '../../support/grpc-client-events'
import { Lanes, type LanesClient, type LanesHandlers, metadataOf, ownOfTest } from '../../support/grpc-lanes'

/* What a side of a call was told, by the name of the event: how often, and with what. The order of events of different names is a matter of time. */
type Told = Record<string, unknown[]>

const OURS = ['traceparent', 'tracestate', 'tracelane-clock', 'x-trace-id']
/* What grpc-js and HTTP/2 say of themselves. */
const THEIRS = ['user-agent', 'date', 'content-type', 'accept-encoding', 'grpc-accept-encoding']

type Outcome = 'answers' | 'refuses' | 'refuses late' | 'is cancelled'
const OUTCOMES: readonly Outcome[] = ['answers', 'refuses', 'refuses late', 'is cancelled']

interface ServerCall extends EventEmitter {
  readonly metadata: Metadata
  readonly cancelled: boolean
  readonly request?: { readonly text: string }
  sendMetadata(metadata: Metadata): void
  getPath(): string
  getDeadline(): unknown
  getHost(): string
  write?(message: { text: string }): void
  end?(trailers: Metadata): void
}

type Callback = (error: object | null, message?: object, trailers?: Metadata) => void
type ClientCall = EventEmitter & { cancel(): void; write?(message: object): void; end?(): void }

function plain(value: unknown): unknown {
  if (value instanceof Metadata) {
    return Object.entries(value.toJSON()).filter(([key]) => !OURS.includes(key) && !THEIRS.includes(key))
  }
  const { code, details, metadata, text } = (value ?? {}) as Partial<StatusObject> & { text?: string }
  return code === undefined ? text : [code, details, plain(metadata)]
}

/* `emit` is replaced, because a listener would make a difference that is to be seen. */
function record(call: EventEmitter, names: readonly string[]): Told {
  const told: Told = {}
  const { emit } = call
  call.emit = (name: string, ...args: unknown[]) => {
    if (names.includes(name)) told[name] = [...(told[name] ?? []), plain(args[0])]
    return emit.call(call, name, ...args)
  }
  return told
}

const listenersOf = (call: EventEmitter): [unknown, number][] =>
  call.eventNames().map((name) => [String(name), call.listenerCount(name)])

class Scene {
  readonly told: { server?: Told; client?: Told; callback?: unknown[] } = {}
  readonly facts: unknown[] = []
  readonly #outcome: Outcome
  #arrived: () => void = () => undefined
  /** Resolves when the handler has been called. */
  readonly arrived = new Promise<void>((resolve) => {
    this.#arrived = resolve
  })
  #finished: () => void = () => undefined
  /** Resolves when grpc-js has told the handler that the call is over, which it does of every call. */
  readonly finished = new Promise<void>((resolve) => {
    this.#finished = resolve
  })

  constructor(outcome: Outcome) {
    this.#outcome = outcome
  }

  handlers(): LanesHandlers {
    const streaming = (call: ServerCall): void => this.#serve(call, undefined)
    const calling = (call: ServerCall, callback: Callback): void => this.#serve(call, callback)
    const all = { Unary: calling, ClientStream: calling, ServerStream: streaming, Bidi: streaming }
    return all as unknown as LanesHandlers
  }

  #serve(call: ServerCall, callback: Callback | undefined): void {
    const isCancelled = this.#outcome === 'is cancelled'
    this.facts.push('server', listenersOf(call), plain(call.metadata), call.request?.text)
    this.facts.push(call.getPath(), String(call.getDeadline()), typeof call.getHost(), call.cancelled)
    this.told.server = record(call, isCancelled ? ['cancelled'] : ['cancelled', 'data', 'end', 'error'])
    call.once('cancelled', () => {
      this.facts.push('cancelled', call.cancelled)
      this.#finished()
    })
    this.#arrived()
    if (isCancelled) return
    // A stream of requests is read to its end first; what has none is answered at once.
    if ('read' in call && call.getPath() !== '/lanes.Echo/ServerStream')
      call.on('data', () => undefined).on('end', () => this.#answer(call, callback))
    else this.#answer(call, callback)
  }

  #answer(call: ServerCall, callback: Callback | undefined): void {
    const initial = metadataOf({ mine: 'yes' })
    const trailers = metadataOf({ tail: 'end' })
    const refusal = { code: status.NOT_FOUND, details: 'no such thing', metadata: trailers }
    if (this.#outcome !== 'refuses') call.sendMetadata(initial)
    if (this.#outcome === 'answers' && callback !== undefined) callback(null, { text: 'done' }, trailers)
    else if (callback !== undefined) callback(refusal)
    else {
      if (this.#outcome !== 'refuses') for (const text of ['one', 'two']) call.write?.({ text })
      if (this.#outcome === 'answers') call.end?.(trailers)
      else call.emit('error', refusal)
    }
    this.facts.push('metadata of the handler', initial.toJSON(), trailers.toJSON())
  }

  async call(type: CallType, client: LanesClient): Promise<void> {
    const own = metadataOf({ own: 'kept' })
    const callback = (error: ServiceError | null, message?: object): void => {
      this.told.callback = [error === null ? null : [error.name, error.message, plain(error)], plain(message)]
    }
    const call = this.#start(type, client, own, callback)
    this.facts.push('client', listenersOf(call), Object.keys(call).sort())
    this.told.client = record(call, ['metadata', 'data', 'end', 'error', 'status'])
    const over = new Promise<void>((resolve) => call.once('status', () => resolve()))
    const ended = 'read' in call ? new Promise<void>((resolve) => call.once('end', () => resolve())) : over
    if ('read' in call) call.on('data', () => undefined).on('error', () => undefined)
    if (this.#outcome === 'is cancelled') {
      await this.arrived
      call.cancel()
    } else {
      for (const text of ['a', 'b']) call.write?.({ text })
      call.end?.()
    }
    await Promise.all([over, ended, this.finished])
    this.facts.push('metadata of the caller', own.toJSON())
  }

  #start(type: CallType, client: LanesClient, own: Metadata, callback: (error: ServiceError | null) => void): ClientCall {
    if (type === 'Unary') return client.Unary({ text: 'x' }, own, {}, callback) as unknown as ClientCall
    if (type === 'ServerStream') return client.ServerStream({ text: 'x' }, own) as unknown as ClientCall
    return (type === 'Bidi' ? client.Bidi(own) : client.ClientStream(own, {}, callback)) as unknown as ClientCall
  }
}

describe('grpc-js with our interceptors', () => {
  const own = ownOfTest()

  async function seen(type: CallType, outcome: Outcome, server: ServerInterceptor[], client: Interceptor[]): Promise<Scene> {
    const scene = new Scene(outcome)
    const lanes = own(await Lanes.open(scene.handlers(), { server, client }))
    await runWithTrace(() => scene.call(type, lanes.client))
    return scene
  }

  for (const type of callTypes) {
    for (const outcome of OUTCOMES) {
      it(`tells handler and caller what it tells them without: ${type}, ${outcome}`, async () => {
        const bare = await seen(type, outcome, [], [])
        const traced = await seen(type, outcome, [traceServerInterceptor()], [traceClientInterceptor()])
        expect(bare.told.server).to.have.property('cancelled')
        expect(bare.told.client).to.have.property('status')
        expect(traced.told).to.deep.equal(bare.told)
        expect(traced.facts).to.deep.equal(bare.facts)
      })
    }
  }
})
