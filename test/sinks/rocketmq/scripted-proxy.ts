import { Metadata, Server, ServerCredentials, type status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { Code, type Message, Status } from 'rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb'
import {
  SendMessageRequest,
  SendMessageResponse,
  SendResultEntry,
} from 'rocketmq-client-nodejs/proto/apache/rocketmq/v2/service_pb'

/** A message as the official client's reader of the protocol sees it. */
export interface SentMessage {
  readonly topic: string
  readonly tag: string
  readonly group: string
  readonly keys: readonly string[]
  readonly id: string
  readonly type: number
  readonly body: string
  readonly properties: Readonly<Record<string, string>>
}

/** What the proxy answers: a code and its text, or an error of gRPC. */
export type Answer = { readonly code: number; readonly message?: string } | { readonly grpc: number; readonly details: string }

/** Answers a message, when it likes to. */
export type Script = (message: SentMessage, headers: Readonly<Record<string, unknown>>) => Promise<Answer>

/** `OK` of the protocol. */
export const TAKEN: Answer = { code: Code.OK }

/** A proxy that does what a test says, for what a real one does once a year. */
export interface ScriptedProxy {
  readonly endpoint: string
  readonly got: readonly SentMessage[]
  stop(): void
}

const same = (bytes: Buffer): Buffer => bytes

export async function scriptedProxy(script: Script, credentials = ServerCredentials.createInsecure()): Promise<ScriptedProxy> {
  const got: SentMessage[] = []
  const server = new Server()
  const sendMessage: UntypedServiceImplementation[string] = (call: Call, reply: Reply) => {
    const [message] = SendMessageRequest.deserializeBinary(call.request).getMessagesList().map(shown)
    got.push(message as SentMessage)
    void script(message as SentMessage, call.metadata.getMap()).then((answer) => {
      if ('grpc' in answer) reply({ code: answer.grpc, details: answer.details, metadata: new Metadata() })
      else reply(null, responseOf(answer))
    })
  }
  const path = '/apache.rocketmq.v2.MessagingService/SendMessage'
  const method = { path, requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same }
  server.addService({ sendMessage: { ...method, responseSerialize: same, responseDeserialize: same } }, { sendMessage })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  )
  return { endpoint: `127.0.0.1:${port}`, got, stop: () => server.forceShutdown() }
}

interface Call {
  readonly request: Buffer
  readonly metadata: Metadata
}

type Reply = (error: { code: status; details: string; metadata: Metadata } | null, value?: Buffer) => void

function shown(message: Message): SentMessage {
  const system = message.getSystemProperties()
  return {
    topic: message.getTopic()?.getName() ?? '',
    tag: system?.getTag() ?? '',
    group: system?.getMessageGroup() ?? '',
    keys: system?.getKeysList() ?? [],
    id: system?.getMessageId() ?? '',
    type: system?.getMessageType() ?? 0,
    body: Buffer.from(message.getBody_asU8()).toString(),
    properties: Object.fromEntries(message.getUserPropertiesMap().getEntryList()),
  }
}

function responseOf({ code, message = '' }: { code: number; message?: string }): Buffer {
  const said = new Status().setCode(code).setMessage(message)
  const response = new SendMessageResponse().setStatus(said)
  if (code === Code.OK) response.addEntries(new SendResultEntry().setStatus(said).setMessageId('x'))
  return Buffer.from(response.serializeBinary())
}
