import type { EventEmitter } from 'node:events'
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Interceptor,
  loadPackageDefinition,
  Metadata,
  makeGenericClientConstructor,
  type requestCallback,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { currentTrace, type EventSubscriber, type LogEvent, type SpanRecord, subscribeEvents, type TraceEnd } from 'tracelane'

export interface Message {
  readonly text: string
}

export interface LanesHandlers {
  Unary?: handleUnaryCall<Message, Message>
  ClientStream?: handleClientStreamingCall<Message, Message>
  ServerStream?: handleServerStreamingCall<Message, Message>
  Bidi?: handleBidiStreamingCall<Message, Message>
}

export interface LanesClient extends Client {
  Unary(message: Message, metadata: Metadata, options: CallOptions, callback: requestCallback<Message>): ClientUnaryCall
  ClientStream(metadata: Metadata, options: CallOptions, callback: requestCallback<Message>): ClientWritableStream<Message>
  ServerStream(message: Message, metadata: Metadata, options?: CallOptions): ClientReadableStream<Message>
  Bidi(metadata: Metadata, options?: CallOptions): ClientDuplexStream<Message, Message>
}

export type LanesClientClass = new (address: string, creds: object, options?: object) => LanesClient

const file = join(__dirname, '../../../test/fixtures/grpc/lanes.proto')
const loaded = loadPackageDefinition(loadSync(file, { keepCase: true })) as unknown as {
  lanes: { Echo: LanesClientClass & { service: ServiceDefinition } }
}
const service = loaded.lanes.Echo.service

/** The same service by the two ways in which people make clients. */
export const clientClasses: Readonly<Record<'proto-loader' | 'generic', LanesClientClass>> = {
  'proto-loader': loaded.lanes.Echo,
  generic: makeGenericClientConstructor(service, 'Echo') as unknown as LanesClientClass,
}

/** A server and one client, so one HTTP/2 session, on loopback; `close` ends both. */
export class Lanes {
  readonly address: string
  readonly client: LanesClient
  readonly server: Server

  private constructor(server: Server, address: string, client: LanesClient) {
    this.server = server
    this.address = address
    this.client = client
  }

  static async open(
    handlers: LanesHandlers,
    interceptors: { server?: ServerInterceptor[]; client?: Interceptor[] },
    clientClass: LanesClientClass = clientClasses['proto-loader'],
  ): Promise<Lanes> {
    const server = new Server({ interceptors: interceptors.server ?? [] })
    server.addService(service, handlers as Parameters<Server['addService']>[1])
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    )
    const address = `127.0.0.1:${port}`
    const client = new clientClass(address, credentials.createInsecure(), { interceptors: interceptors.client ?? [] })
    return new Lanes(server, address, client)
  }

  close(): void {
    this.client.close()
    this.server.forceShutdown()
  }
}

/** What was seen where: the trace id of the flow in which each event came. */
export class Sightings {
  readonly #seen: { readonly who: string; readonly event: string; readonly traceId: string; readonly spanId: string }[] = []

  note(who: string, event: string): void {
    const trace = currentTrace()
    this.#seen.push({ who, event, traceId: trace?.traceId ?? 'none', spanId: trace?.spanId ?? 'none' })
  }

  watch(who: string, emitter: EventEmitter, events: readonly string[]): void {
    for (const event of events) emitter.on(event, () => this.note(who, event))
  }

  /** `event -> the different trace ids that it was seen in`, sorted by event. */
  table(who: string, id: 'traceId' | 'spanId' = 'traceId'): Record<string, string> {
    const rows = new Map<string, Set<string>>()
    for (const seen of this.#seen) {
      if (seen.who === who) rows.set(seen.event, (rows.get(seen.event) ?? new Set()).add(seen[id]))
    }
    return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([event, ids]) => [event, [...ids].join(' ')]))
  }
}

/** The table of sightings that is right: each event in one and the same trace. */
export function allIn(id: string, events: readonly string[]): Record<string, string> {
  return Object.fromEntries([...events].sort().map((event) => [event, id]))
}

/** A promise that `count` arrivals resolve together, so that calls interleave. */
export class Meeting {
  readonly all: Promise<void>
  #open: () => void = () => undefined
  #missing: number

  constructor(count: number) {
    this.#missing = count
    this.all = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  arrive(): Promise<void> {
    this.#missing--
    if (this.#missing === 0) this.#open()
    return this.all
  }
}

/** What the kit emits while it is open. */
export class PortRecorder {
  readonly events: LogEvent[] = []
  readonly ends: TraceEnd[] = []
  readonly #close: () => void
  #waiting: (() => void)[] = []

  constructor() {
    const subscriber: EventSubscriber = {
      onEvent: (event) => this.#keep(() => this.events.push(event)),
      onTraceEnded: (end) => this.#keep(() => this.ends.push(end)),
    }
    this.#close = subscribeEvents(subscriber)
  }

  spans(kind: SpanRecord['kind']): (SpanRecord & { readonly event: LogEvent })[] {
    return this.events.map((event) => ({ ...(event.fields?.['span'] as SpanRecord), event })).filter((span) => span.kind === kind)
  }

  /** Resolves when `enough` holds; it is asked after each event. */
  async until(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.#close()
  }

  #keep(keep: () => void): void {
    keep()
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

export function metadataOf(pairs: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [key, value] of Object.entries(pairs)) metadata.set(key, value)
  return metadata
}

/** A unary call of a client, as a promise of all that comes back. */
export function unary(client: LanesClient, metadata = new Metadata(), options: CallOptions = {}): Promise<UnaryReply> {
  return new Promise((resolve) => {
    const reply: UnaryReply = { initial: new Metadata(), trailers: new Metadata(), code: -1 }
    const call = client.Unary({ text: 'x' }, metadata, options, () => undefined)
    call.on('metadata', (initial: Metadata) => {
      reply.initial = initial
    })
    call.on('status', (status) => resolve({ ...reply, trailers: status.metadata, code: status.code }))
  })
}

export interface UnaryReply {
  initial: Metadata
  trailers: Metadata
  code: number
}

/** A unary call by hand over HTTP/2, with headers and a body that no gRPC client would send. */
export function rawUnary(
  address: string,
  headers: Readonly<Record<string, string | string[]>>,
  body: Buffer = Buffer.from([0, 0, 0, 0, 0]),
): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`)
    session.on('error', reject)
    const request = session.request({
      ':method': 'POST',
      ':path': '/lanes.Echo/Unary',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    let got: IncomingHttpHeaders = {}
    request.on('response', (initial) => {
      got = { ...got, ...initial }
    })
    request.on('trailers', (trailers) => {
      got = { ...got, ...trailers }
    })
    request.on('error', reject)
    request.on('close', () => {
      session.close()
      resolve(got)
    })
    request.resume()
    request.end(body)
  })
}

/** What a test opens, closed when it has ended; to be called in a suite. */
export function ownOfTest(): <T extends { close(): void }>(thing: T) => T {
  const opened: { close(): void }[] = []
  afterEach(() => {
    for (const thing of opened.splice(0)) thing.close()
  })
  return (thing) => {
    opened.push(thing)
    return thing
  }
}

/** Notes in `got` the metadata of each call, and answers. */
export function receiving(got: Metadata[]): LanesHandlers {
  return {
    Unary(call, callback) {
      got.push(call.metadata)
      callback(null, { text: 'done' })
    },
  }
}
