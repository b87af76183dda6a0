import { isAt } from '../json-bytes'

/** The keys that mean something of their own on a line, and the number of each. */
export const KEY = {
  other: 0,
  time: 1,
  level: 2,
  logger: 3,
  name: 4,
  msg: 5,
  traceId: 6,
  spanId: 7,
  hlc: 8,
  seq: 9,
  rate: 10,
  replayed: 11,
  service: 12,
  instance: 13,
  host: 14,
  hostname: 15,
  pid: 16,
  thread: 17,
  err: 18,
  caller: 19,
  severityText: 20,
  eventName: 21,
  span: 22,
  parentSpanId: 23,
} as const

const SLOTS = 256
const FNV_PRIME = 0x01000193

/** The hash of no bytes; `hashWith` adds one. FNV-1a. */
export const NO_BYTES = 0x811c9dc5 | 0

/** The names by their numbers. */
export const KEY_NAMES: readonly string[] = Object.keys(KEY)
const NAMES: readonly Uint8Array[] = KEY_NAMES.map((name) => Buffer.from(name))
const HASHES: Int32Array = Int32Array.from(NAMES, (name) => hashOf(name, 0, name.length))
const TABLE: Uint8Array = tableOf()

export function hashWith(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, FNV_PRIME)
}

export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = NO_BYTES
  for (let i = from; i < to; i++) hash = hashWith(hash, bytes[i] as number)
  return hash
}

/** The number of the key from `from` to `to`, whose hash is known; `KEY.other` for those that are not in the list. */
export function keyOf(bytes: Uint8Array, from: number, to: number, hash: number): number {
  for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
    const key = TABLE[slot] as number
    if (key === KEY.other) return KEY.other
    const name = NAMES[key] as Uint8Array
    if (HASHES[key] === hash && name.length === to - from && isAt(bytes, from, name)) return key
  }
}

function tableOf(): Uint8Array {
  const table = new Uint8Array(SLOTS)
  for (let key = 1; key < NAMES.length; key++) {
    let slot = (HASHES[key] as number) & (SLOTS - 1)
    while (table[slot] !== KEY.other) slot = (slot + 1) & (SLOTS - 1)
    table[slot] = key
  }
  return table
}
