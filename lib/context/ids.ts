import { crypto } from '../internal/builtin'

/*
 * One call to the CSPRNG costs about 2 us whatever its size, so random bytes are drawn 4 KiB at a time, turned to hex
 * once, and cut into ids. A cut string keeps its 8 KiB parent alive; the pool is small for that reason.
 */
const pool = Buffer.allocUnsafe(4096)
let hex = ''
let used = 0

const NO_TRACE_ID = '0'.repeat(32)
/** What stands for the span of a caller that named its trace, yet no span in it; never on the wire. */
export const NO_SPAN_ID = '0'.repeat(16)

function cut(length: number): string {
  if (used + length > hex.length) {
    hex = crypto().randomFillSync(pool).toString('hex')
    used = 0
  }
  used += length
  return hex.slice(used - length, used)
}

/** A new trace id: 32 lower hex digits, 128 bits from the CSPRNG, never all zero (W3C trace context, 3.2.2.3). */
export function newTraceId(): string {
  const id = cut(32)
  return id === NO_TRACE_ID ? newTraceId() : id
}

/** A new span id: 16 lower hex digits, 64 bits from the CSPRNG, never all zero (W3C trace context, 3.2.2.4). */
export function newSpanId(): string {
  const id = cut(16)
  return id === NO_SPAN_ID ? newSpanId() : id
}
