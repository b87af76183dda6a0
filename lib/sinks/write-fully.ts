import { writeSync } from 'node:fs'
import { DELIVERED, type Pause, type SendResult } from './sink'

const BUSY_PAUSE_MS = 5

/* Errors after which a later try with the same bytes may work: the disk was full, a limit was reached, the device was gone. */
const LASTING: ReadonlySet<string> = new Set(['EPIPE', 'EINVAL', 'ECONNRESET', 'ENOTCONN'])

/**
 * Writes `bytes` to `fd` with as many write(2) as it takes, pieces of at most `chunk` bytes that end at a line where possible.
 *
 * A short write goes on where it stopped. EAGAIN (a full pipe, a slow terminal) waits in steps of 5 ms as long as `pause` allows.
 */
export function writeFully(fd: number, bytes: Uint8Array, chunk: number, pause: Pause): SendResult {
  let written = 0
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written, pieceLength(bytes, written, chunk))
    } catch (error) {
      const { code = 'unknown', message } = error as NodeJS.ErrnoException
      if (code === 'EINTR') continue
      if (code === 'EAGAIN' && pause(BUSY_PAUSE_MS)) continue
      return { outcome: LASTING.has(code) ? 'rejected' : 'retryable', written, reason: message }
    }
  }
  return DELIVERED
}

/* The longest run of whole lines within `chunk` bytes; a line that is longer than that goes in one piece. */
function pieceLength(bytes: Uint8Array, from: number, chunk: number): number {
  const rest = bytes.length - from
  if (rest <= chunk) return rest
  const lastBreak = bytes.lastIndexOf(NEW_LINE, from + chunk - 1)
  if (lastBreak >= from) return lastBreak + 1 - from
  const nextBreak = bytes.indexOf(NEW_LINE, from)
  return nextBreak === -1 ? rest : nextBreak + 1 - from
}

const NEW_LINE = 0x0a
