import { anyGetter, anySetter, type Carrier } from './carriers'
import type { Getter, Setter } from './propagator'

/** One header as the clients on top of librdkafka have it: `{ traceparent: bytes }`. */
export type SingleHeader = Record<string, unknown>

/**
 * The headers of a message as the clients of brokers have them: a plain object (kafkajs, amqplib), a `Map` (RocketMQ's properties,
 * @platformatic/kafka) or a list of objects with one header each (clients on top of librdkafka). Keys of a `Map` and values may be bytes.
 */
export type MessageHeaders = Carrier | SingleHeader[]

function isBytesOf(key: unknown, name: string): boolean {
  return key instanceof Uint8Array && Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1') === name
}

function inMap(map: ReadonlyMap<unknown, unknown>, name: string): unknown[] {
  return [...map].flatMap(([key, value]) => (key === name || isBytesOf(key, name) ? [value] : []))
}

/** Reads the headers of a message. */
export const messageGetter: Getter<MessageHeaders> = {
  get(headers, key) {
    if (headers instanceof Map) return anyGetter.get({ [key]: inMap(headers, key).flat() }, key)
    if (!Array.isArray(headers)) return anyGetter.get(headers, key)
    const values = headers.flatMap((header) => (Object.hasOwn(header, key) ? [header[key]] : []))
    return anyGetter.get({ [key]: values.flat() }, key)
  },
}

/** Sets a header of a message, replacing all of that name. */
export const messageSetter: Setter<MessageHeaders> = {
  set(headers, key, value) {
    if (Array.isArray(headers)) {
      const others = headers.filter((header) => !Object.hasOwn(header, key))
      headers.splice(0, headers.length, ...others, { [key]: value })
      return
    }
    if (headers instanceof Map) {
      for (const known of headers.keys()) if (isBytesOf(known, key)) headers.delete(known)
    }
    anySetter.set(headers, key, value)
  },
}
