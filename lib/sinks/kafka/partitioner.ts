const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995
const SHIFT = 24

/**
 * Where the Java client puts a record with this key: the partition is this number modulo the count of partitions. So what other programs write
 * with the same key is in the same partition.
 *
 * Source: `Utils.toPositive(Utils.murmur2(key))` of org.apache.kafka:kafka-clients.
 */
export function partitionHash(key: Uint8Array): number {
  return murmur2(key) & 0x7fffffff
}

/* The 32-bit MurmurHash2, as a signed number. */
function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const whole = length & ~3
  let hash = SEED ^ length
  for (let i = 0; i < whole; i += 4) {
    const word = byteAt(bytes, i) | (byteAt(bytes, i + 1) << 8) | (byteAt(bytes, i + 2) << 16) | (byteAt(bytes, i + 3) << 24)
    let mixed = Math.imul(word, MULTIPLIER)
    mixed ^= mixed >>> SHIFT
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(mixed, MULTIPLIER)
  }
  for (let i = length - 1; i >= whole; i--) hash ^= byteAt(bytes, i) << ((i - whole) * 8)
  if (length > whole) hash = Math.imul(hash, MULTIPLIER)
  hash ^= hash >>> 13
  hash = Math.imul(hash, MULTIPLIER)
  return hash ^ (hash >>> 15)
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
