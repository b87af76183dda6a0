import type { Pause } from '../sinks'

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/** A pause that blocks this thread, until `deadline` (ms since epoch) at the latest. */
export function pauseUntil(deadline: number): Pause {
  return (ms) => {
    const rest = deadline - Date.now()
    if (rest <= 0) return false
    Atomics.wait(sleeper, 0, 0, Math.min(ms, rest))
    return true
  }
}
