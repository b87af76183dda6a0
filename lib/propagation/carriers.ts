import type { Getter, Setter } from './propagator'

/** Headers as a plain object with lower-case keys: Node's `req.headers`, Kafka headers, a message's own field. */
export type RecordCarrier = Record<string, unknown>

/** Anything with the methods of `Headers`, `Map` or gRPC's `Metadata`. */
export interface MethodCarrier {
  get(key: string): unknown
  set(key: string, value: string): void
}

/** Headers as a list of objects, most with one key each, in which keys may repeat: messages of node-rdkafka. */
export type ListCarrier = RecordCarrier[]

/** What `extractTrace` and `injectTrace` take. */
export type Carrier = RecordCarrier | MethodCarrier | ListCarrier

function isMethodCarrier(carrier: Carrier): carrier is MethodCarrier {
  const { get, set } = carrier as Partial<MethodCarrier>
  return typeof get === 'function' && typeof set === 'function'
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
    : undefined
}

function texts(value: unknown): string | readonly string[] | undefined {
  if (!Array.isArray(value)) return text(value)
  if (value.length <= 1) return text(value[0])
  return value.map(text).filter((item) => item !== undefined)
}

/** Reads a property of a plain object, or calls `get`; bytes are read as latin1, other types as missing. */
export const anyGetter: Getter<Carrier> = {
  get(carrier, key) {
    if (Array.isArray(carrier)) return texts(carrier.filter((item) => hasOwn(item, key)).map((item) => item[key]))
    if (isMethodCarrier(carrier)) return texts(carrier.get(key))
    return Object.hasOwn(carrier, key) ? texts(carrier[key]) : undefined
  },
}

/** Sets a property of a plain object, or calls `set`. */
export const anySetter: Setter<Carrier> = {
  set(carrier, key, value) {
    if (Array.isArray(carrier)) replaceInList(carrier, key, value)
    else if (isMethodCarrier(carrier)) carrier.set(key, value)
    else carrier[key] = value
  },
}

function hasOwn(item: unknown, key: string): boolean {
  return typeof item === 'object' && item !== null && Object.hasOwn(item, key)
}

function replaceInList(list: ListCarrier, key: string, value: string): void {
  for (let i = list.length - 1; i >= 0; i--) {
    const item = list[i]
    if (item === undefined || !hasOwn(item, key)) continue
    delete item[key]
    if (Object.keys(item).length === 0) list.splice(i, 1)
  }
  list.push({ [key]: value })
}
