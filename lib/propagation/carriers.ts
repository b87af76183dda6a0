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
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return text(value)
  if (value.length <= 1) return text(value[0])
  return value.map(text).filter((item) => item !== undefined)
}

/** `carrier[key]`, where those that are read of each request are written by their names, as in `recordSetter`. */
export function propertyOf<V>(carrier: Readonly<Record<string, V>>, key: string): V | undefined {
  if (key === 'traceparent') return carrier['traceparent']
  if (key === 'tracestate') return carrier['tracestate']
  if (key === 'tracelane-clock') return carrier['tracelane-clock']
  return key === 'baggage' ? carrier['baggage'] : carrier[key]
}

const recordGetter: Getter<RecordCarrier> = {
  get(carrier, key) {
    const value = propertyOf(carrier, key)
    // Most headers are not there, which costs less to see than whose property it is.
    return value === undefined || !Object.hasOwn(carrier, key) ? undefined : texts(value)
  },
}

const methodGetter: Getter<MethodCarrier> = { get: (carrier, key) => texts(carrier.get(key)) }

const listGetter: Getter<ListCarrier> = {
  get: (carrier, key) => texts(carrier.filter((item) => hasOwn(item, key)).map((item) => item[key])),
}

/** What reads `carrier`: a property of a plain object, or its method `get`; bytes are read as latin1, other types as missing. */
export function getterOf(carrier: Carrier): Getter<Carrier> {
  return (Array.isArray(carrier) ? listGetter : isMethodCarrier(carrier) ? methodGetter : recordGetter) as Getter<Carrier>
}

/** `getterOf` for carriers of every kind, in one. */
export const anyGetter: Getter<Carrier> = { get: (carrier, key) => getterOf(carrier).get(carrier, key) }

/**
 * Sets a property of a plain object. Those that are set on each call are written by their name, because V8 learns what an object becomes by a
 * property that stands in the code, and looks it up each time for one that is in a variable.
 */
export const recordSetter: Setter<RecordCarrier> = {
  set(carrier, key, value) {
    if (key === 'traceparent') carrier['traceparent'] = value
    else if (key === 'tracestate') carrier['tracestate'] = value
    else if (key === 'tracelane-clock') carrier['tracelane-clock'] = value
    else carrier[key] = value
  },
}

const methodSetter: Setter<MethodCarrier> = { set: (carrier, key, value) => carrier.set(key, value) }

const listSetter: Setter<ListCarrier> = { set: replaceInList }

/** What writes to `carrier`: a property of a plain object, or its method `set`. */
export function setterOf(carrier: Carrier): Setter<Carrier> {
  return (Array.isArray(carrier) ? listSetter : isMethodCarrier(carrier) ? methodSetter : recordSetter) as Setter<Carrier>
}

/** `setterOf` for carriers of every kind, in one. */
export const anySetter: Setter<Carrier> = { set: (carrier, key, value) => setterOf(carrier).set(carrier, key, value) }

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
