import { ProtobufWriter } from '../../sinks'
import { Fields } from './fields'

/*
 * As much of apache/rocketmq/v2 as a consumer of a FIFO group needs. Source: service.proto and definition.proto of apache/rocketmq-apis.
 */

const SIMPLE_CONSUMER = 3
const BY_TAG = 1
const [IPV4, IPV6, NAME] = [1, 2, 3]
const MS_PER_SECOND = 1_000
const NANOS_PER_MS = 1_000_000
const FIRST_BYTES = 512

/** Who consumes what. */
export interface Subscription {
  readonly groupId: string
  readonly topic: string
}

/** A message that was received, and is kept from others until it is acknowledged or its time is over. */
export interface ReceivedMessage {
  readonly id: string
  /** Acknowledges it; another one takes its place when its time is prolonged. */
  readonly handle: string
  /** Within the broker. */
  readonly queue: number
  readonly properties: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** What names a message that was received. */
export type Receipt = Pick<ReceivedMessage, 'id' | 'handle'>

/** TelemetryCommand { settings = 2 }: what this client is. */
export function settingsCommand({ groupId, topic }: Subscription, timeoutMs: number): Buffer {
  return written((out) => {
    const settings = out.begin(2)
    out.int(1, SIMPLE_CONSUMER)
    duration(out, 4, timeoutMs)
    const subscription = out.begin(6)
    resource(out, 1, groupId)
    const entry = out.begin(2)
    resource(out, 1, topic)
    everything(out, 2)
    out.end(entry)
    out.end(subscription)
    out.end(settings)
  })
}

/** HeartbeatRequest. */
export function heartbeatRequest({ groupId }: Subscription): Buffer {
  return written((out) => {
    resource(out, 1, groupId)
    out.int(2, SIMPLE_CONSUMER)
  })
}

/** NotifyClientTerminationRequest. */
export function terminationRequest({ groupId }: Subscription): Buffer {
  return written((out) => resource(out, 1, groupId))
}

/** QueryAssignmentRequest; `address` is the proxy's, as `host:port`. */
export function assignmentRequest({ groupId, topic }: Subscription, address: string): Buffer {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  return written((out) => {
    resource(out, 1, topic)
    resource(out, 2, groupId)
    const endpoints = out.begin(3)
    out.int(1, host.includes(':') ? IPV6 : /^[\d.]+$/.test(host) ? IPV4 : NAME)
    const entry = out.begin(2)
    out.text(1, host)
    out.int(2, Number(address.slice(colon + 1)))
    out.end(entry)
    out.end(endpoints)
  })
}

/** How to receive. */
export interface Receiving {
  readonly broker: string
  readonly count: number
  readonly invisibleMs: number
  readonly longPollMs: number
  /** The same for a request that is made again because its answer was lost: what it had taken is not closed to it. */
  readonly attempt: string
}

/** ReceiveMessageRequest, for any queue of a broker: a proxy does not look at the number of a queue. */
export function receiveRequest(
  { groupId, topic }: Subscription,
  { broker, count, invisibleMs, longPollMs, attempt }: Receiving,
): Buffer {
  return written((out) => {
    resource(out, 1, groupId)
    const queue = out.begin(2)
    resource(out, 1, topic)
    const place = out.begin(4)
    out.text(1, broker)
    out.end(place)
    out.end(queue)
    everything(out, 3)
    out.int(4, count)
    duration(out, 5, invisibleMs)
    duration(out, 7, longPollMs)
    out.text(8, attempt)
  })
}

/** AckMessageRequest. */
export function ackRequest({ groupId, topic }: Subscription, receipts: readonly Receipt[]): Buffer {
  return written((out) => {
    resource(out, 1, groupId)
    resource(out, 2, topic)
    for (const { id, handle } of receipts) {
      const entry = out.begin(3)
      out.text(1, id)
      out.text(2, handle)
      out.end(entry)
    }
  })
}

/** ChangeInvisibleDurationRequest: for how long from now on. */
export function invisibleRequest({ groupId, topic }: Subscription, { id, handle }: Receipt, invisibleMs: number): Buffer {
  return written((out) => {
    resource(out, 1, groupId)
    resource(out, 2, topic)
    out.text(3, handle)
    duration(out, 4, invisibleMs)
    out.text(5, id)
  })
}

/** The names of the brokers in a QueryAssignmentResponse. */
export function brokersIn(response: Fields): string[] {
  return [...new Set(response.messages(2).map((assignment) => assignment.message(1).message(4).text(1)))]
}

/** Reads a Message. */
export function receivedMessage(message: Fields): ReceivedMessage {
  const system = message.message(3)
  return {
    ...{ id: system.text(3), handle: system.text(12), queue: system.number(13), body: message.bytes(4) },
    properties: new Map(message.messages(2).map((entry) => [entry.text(1), entry.text(2)])),
  }
}

/** Whether a TelemetryCommand has settings, and if they are those of a FIFO group. */
export function fifoIn(command: Buffer): boolean | undefined {
  const fields = new Fields(command)
  return fields.has(2) ? fields.message(2).message(6).number(3) === 1 : undefined
}

function written(write: (out: ProtobufWriter) => void): Buffer {
  const out = new ProtobufWriter(FIRST_BYTES)
  write(out)
  return out.finish()
}

function resource(out: ProtobufWriter, field: number, name: string): void {
  const from = out.begin(field)
  out.text(2, name)
  out.end(from)
}

function everything(out: ProtobufWriter, field: number): void {
  const from = out.begin(field)
  out.int(1, BY_TAG)
  out.text(2, '*')
  out.end(from)
}

function duration(out: ProtobufWriter, field: number, ms: number): void {
  const from = out.begin(field)
  out.int(1, Math.floor(ms / MS_PER_SECOND))
  out.int(2, (ms % MS_PER_SECOND) * NANOS_PER_MS)
  out.end(from)
}
