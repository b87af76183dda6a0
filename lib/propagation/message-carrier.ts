import { anyGetter, anySetter, type Carrier } from './carriers'
import type { Getter, Setter } from './propagator'

function isBytesOf(key: unknown, name: string): boolean {
  return key instanceof Uint8Array && Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1') === name
}

/** Reads the headers of a message as the clients of brokers have them: as `anyGetter` does, and a `Map` whose keys may be bytes. */
export const messageGetter: Getter<Carrier> = {
  get(headers, key) {
    if (!(headers instanceof Map)) return anyGetter.get(headers, key)
    const values = [...headers].flatMap(([known, value]) => (known === key || isBytesOf(known, key) ? [value] : []))
    return anyGetter.get({ [key]: values.flat() }, key)
  },
}

/** Sets a header of a message, replacing all of that name. */
export const messageSetter: Setter<Carrier> = {
  set(headers, key, value) {
    if (headers instanceof Map) {
      for (const known of headers.keys()) if (isBytesOf(known, key)) headers.delete(known)
    }
    anySetter.set(headers, key, value)
  },
}
