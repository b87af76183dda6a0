import { type Metadata, Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import {
  Assignment,
  Broker,
  Code,
  Message,
  MessageQueue,
  Settings,
  Status,
  Subscription,
  SystemProperties,
} from 'rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb'
import {
  AckMessageRequest,
  AckMessageResponse,
  AckMessageResultEntry,
  ChangeInvisibleDurationRequest,
  ChangeInvisibleDurationResponse,
  HeartbeatResponse,
  NotifyClientTerminationResponse,
  QueryAssignmentResponse,
  ReceiveMessageRequest,
  ReceiveMessageResponse,
  TelemetryCommand,
} from 'rocketmq-client-nodejs/proto/apache/rocketmq/v2/service_pb'
import { INSTANCE } from '../../support/kafka-batch'

/** A message that the proxy has: lines of one trace. */
export interface Stored {
  readonly id: string
  readonly queue: number
  readonly seqs: readonly number[]
  /** To make lines long. @default '' */
  readonly padding?: string
}

/** What a proxy does with one request to receive; `break` ends the stream with an error of gRPC after the messages. */
export type Delivery = { readonly messages: readonly Stored[]; readonly break?: true } | { readonly refuse: number }

/** What the proxy heard, in order: `receive`, `ack 1,2`, `keep 1 0`, `leave` and so on. */
export class ScriptedProxy {
  readonly heard: string[] = []
  readonly receives: ReceiveMessageRequest.AsObject[] = []
  readonly introductions: Settings.AsObject[] = []
  readonly clients = new Set<string>()
  readonly #server: Server
  readonly endpoint: string
  /* What the next request gets; without one it waits for a while, and there is nothing. */
  readonly deliveries: Delivery[]
  isFifo = true
  /* What it says to who introduces himself, before it hangs up. */
  refusal: number | undefined
  ackCode: number = Code.OK
  assignmentCode: number = Code.OK

  private constructor(server: Server, port: number, deliveries: Delivery[]) {
    this.#server = server
    this.endpoint = `127.0.0.1:${port}`
    this.deliveries = deliveries
  }

  static async start(...deliveries: Delivery[]): Promise<ScriptedProxy> {
    const server = new Server()
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    )
    const proxy = new ScriptedProxy(server, port, deliveries)
    server.addService(METHODS, proxy.#methods())
    return proxy
  }

  stop(): void {
    this.#server.forceShutdown()
  }

  #methods(): UntypedServiceImplementation {
    return {
      Telemetry: (call: Talk) => {
        call.on('data', (bytes: Buffer) => {
          const settings = TelemetryCommand.deserializeBinary(bytes).getSettings() as Settings
          this.introductions.push(settings.toObject())
          this.clients.add(String(call.metadata.get('x-mq-client-id')[0]))
          if (this.refusal !== undefined) {
            call.write(written(new TelemetryCommand().setStatus(new Status().setCode(this.refusal as 0))))
            call.end()
            return
          }
          const answer = new Settings().setSubscription(new Subscription().setFifo(this.isFifo))
          call.write(written(new TelemetryCommand().setSettings(answer)))
        })
        call.on('end', () => call.end())
      },
      QueryAssignment: (_: Call, reply: Reply) => {
        const response = new QueryAssignmentResponse().setStatus(new Status().setCode(this.assignmentCode))
        response.addAssignments(new Assignment().setMessageQueue(new MessageQueue().setBroker(new Broker().setName('b'))))
        reply(null, written(response))
      },
      Heartbeat: (_: Call, reply: Reply) => reply(null, written(new HeartbeatResponse().setStatus(OK()))),
      ReceiveMessage: (call: Call & Talk) => void this.#receive(call),
      AckMessage: ({ request }: Call, reply: Reply) => {
        const entries = AckMessageRequest.deserializeBinary(request).getEntriesList()
        this.heard.push(`ack ${entries.map((entry) => `${entry.getMessageId()}:${entry.getReceiptHandle()}`).join()}`)
        const said = new Status().setCode(this.ackCode)
        const response = new AckMessageResponse().setStatus(said)
        for (const entry of entries)
          response.addEntries(new AckMessageResultEntry().setMessageId(entry.getMessageId()).setStatus(said))
        reply(null, written(response))
      },
      ChangeInvisibleDuration: ({ request }: Call, reply: Reply) => {
        const asked = ChangeInvisibleDurationRequest.deserializeBinary(request)
        this.heard.push(`keep ${asked.getMessageId()} for ${asked.getInvisibleDuration()?.getSeconds()} s`)
        reply(
          null,
          written(new ChangeInvisibleDurationResponse().setStatus(OK()).setReceiptHandle(`${asked.getReceiptHandle()}+`)),
        )
      },
      NotifyClientTermination: (_: Call, reply: Reply) => {
        this.heard.push('leave')
        reply(null, written(new NotifyClientTerminationResponse().setStatus(OK())))
      },
    }
  }

  async #receive(call: Call & Talk): Promise<void> {
    this.receives.push(ReceiveMessageRequest.deserializeBinary(call.request).toObject())
    const delivery = this.deliveries.shift()
    if (delivery === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    const { messages = [], refuse } = (delivery ?? { refuse: Code.MESSAGE_NOT_FOUND }) as { messages?: Stored[]; refuse?: number }
    call.write(written(new ReceiveMessageResponse().setStatus(new Status().setCode(refuse ?? Code.OK))))
    for (const message of messages) call.write(written(new ReceiveMessageResponse().setMessage(stored(message))))
    if (delivery !== undefined && 'break' in delivery) call.emit('error', { code: status.UNAVAILABLE, details: 'broken' })
    else call.end()
  }
}

interface Call {
  readonly request: Buffer
  readonly metadata: Metadata
}

interface Talk {
  readonly metadata: Metadata
  on(event: string, listener: (bytes: Buffer) => void): void
  write(bytes: Buffer): void
  end(): void
  emit(event: string, error: object): void
}

type Reply = (error: null, value: Buffer) => void

const OK = (): Status => new Status().setCode(Code.OK)
const same = (bytes: Buffer): Buffer => bytes
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path: `/apache.rocketmq.v2.MessagingService/${name}`, requestStream, responseStream },
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
})
const METHODS = {
  Telemetry: method('Telemetry', true, true),
  ReceiveMessage: method('ReceiveMessage', false, true),
  ...Object.fromEntries(
    ['QueryAssignment', 'Heartbeat', 'AckMessage', 'ChangeInvisibleDuration', 'NotifyClientTermination'].map((name) => [
      name,
      method(name, false, false),
    ]),
  ),
}

function written(message: { serializeBinary(): Uint8Array }): Buffer {
  return Buffer.from(message.serializeBinary())
}

function stored({ id, queue, seqs, padding = '' }: Stored): Message {
  const system = new SystemProperties().setMessageId(id).setReceiptHandle(`handle-${id}`).setQueueId(queue)
  const message = new Message()
    .setSystemProperties(system)
    .setBody(Buffer.from(seqs.map((seq) => `line ${seq}${padding}\n`).join('')))
  const differences = seqs.map((seq, i) => seq - (seqs[i - 1] ?? 0))
  message.getUserPropertiesMap().set('tracelane-instance', INSTANCE).set('tracelane-seq', differences.join())
  return message
}
