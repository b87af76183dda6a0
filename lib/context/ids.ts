import { crypto } from '../internal/builtin'

/*
 * One call to the CSPRNG costs about 2 us whatever its size, so random bytes are drawn 8 KiB at a time, turned to hex
 * once, and cut into ids. A cut string keeps its 16 KiB parent alive; the pool is small for that reason.
 */
const pool = Buffer.allocUnsafeSlow(8192)
/* Ids begin at multiples of 8 bytes, so none is all zero if no word is. */
const words = new BigUint64Array(pool.buffer)
const DIGITS = 2 * pool.length
let hex = ''
let used = DIGITS

/** What stands for the span of a caller that named its trace, yet no span in it; never on the wire. */
export const NO_SPAN_ID = '0'.repeat(16)

function refill(): void {
  do crypto().randomFillSync(pool)
  while (words.includes(0n))
  hex = pool.toString('hex')
  used = 0
}

function cut(length: number): string {
  if (used + length > DIGITS) refill()
  const start = used
  used += length
  return hex.slice(start, used)
}

/** A new trace id: 32 lower hex digits, 128 bits from the CSPRNG, never all zero (W3C trace context, 3.2.2.3). */
export function newTraceId(): string {
  return cut(32)
}

/** A new span id: 16 lower hex digits, 64 bits from the CSPRNG, never all zero (W3C trace context, 3.2.2.4). */
export function newSpanId(): string {
  return cut(16)
}
