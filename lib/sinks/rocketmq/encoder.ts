import type { PackedMessage } from '../keyed'
import { ProtobufWriter, readMessage } from '../otlp/protobuf'

/*
 * As much of apache/rocketmq/v2 as sending needs: SendMessageRequest { messages = 1 }, Message { topic = 1, user_properties = 2, system_properties = 3,
 * body = 4 }. Source: service.proto and definition.proto of apache/rocketmq-apis.
 */

const IDENTITY = 1
const FIFO = 2
const MS_PER_SECOND = 1_000
const NANOS_PER_MS = 1_000_000
/* Room for all but the body. */
const AROUND_BYTES = 4_096

/** What a message has beside its lines. */
export interface Envelope {
  readonly topic: string
  readonly tag: string | undefined
  /** 34 hexadecimal digits. */
  readonly messageId: string
  /** When it is sent, in milliseconds since the epoch. */
  readonly now: number
  readonly host: string
}

/** The request that sends `message`. */
export function encodeRequest({ key, value, headers }: PackedMessage, envelope: Envelope): Buffer {
  const { topic, tag, messageId, now, host } = envelope
  const out = new ProtobufWriter(value.length + AROUND_BYTES)
  const request = out.begin(1)
  const resource = out.begin(1)
  out.text(2, topic)
  out.end(resource)
  for (const [name, text] of headers) {
    const property = out.begin(2)
    out.text(1, name)
    out.text(2, text)
    out.end(property)
  }
  const system = out.begin(3)
  if (tag !== undefined) out.text(1, tag)
  // By which the tools of RocketMQ find messages.
  out.text(2, headers.get('tracelane-trace') ?? key)
  out.text(3, messageId)
  out.int(5, IDENTITY)
  out.int(6, FIFO)
  const born = out.begin(7)
  out.int(1, Math.floor(now / MS_PER_SECOND))
  out.int(2, Math.floor(now % MS_PER_SECOND) * NANOS_PER_MS)
  out.end(born)
  out.text(8, host)
  out.text(17, key)
  out.end(system)
  out.bytes(4, value)
  out.end(request)
  return out.finish()
}

/** What a proxy says of a message. */
export interface Status {
  readonly code: number
  readonly message: string
}

const OK = 20_000

/** Reads SendMessageResponse { status = 1, entries = 2 }: the status of the one message if that is not OK, or that of the request; undefined if it is OK. */
export function readRefusal(response: Uint8Array): Status | undefined {
  const fields = readMessage(response)
  const entry = fields?.get(2)
  const all = [entry instanceof Uint8Array ? readMessage(entry)?.get(1) : undefined, fields?.get(1)]
  const stati = all.filter((bytes) => bytes instanceof Uint8Array).map(readStatus)
  if (stati.length === 0) return { code: 0, message: '' }
  return stati.find(({ code }) => code !== OK)
}

function readStatus(bytes: Uint8Array): Status {
  const fields = readMessage(bytes)
  const [code, message] = [fields?.get(1), fields?.get(2)]
  return {
    code: typeof code === 'number' ? code : 0,
    message: message instanceof Uint8Array ? Buffer.from(message).toString() : '',
  }
}
