import type { Pause, Rows, Sink } from '../../sinks'

const FIRST_RETRY_MS = 20
const MAX_RETRY_MS = 2_000

/** What a delivery came to. `written`: what the destination has of it. `unfinished`: told to stop while the destination was in trouble. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'rejected'; readonly reason: string; readonly written: number }
  | { readonly outcome: 'unfinished'; readonly reason: string }

/**
 * Writes `lines` to `sink` from byte `from` on, going on after what was already written, until all is there or the sink refuses it.
 *
 * Waits 20 ms before the second try and twice as long before each further one, up to 2 s, as long as `pause` allows. `onTrouble`
 * hears before each wait what went wrong, and how many bytes of `lines` the destination has. `rows` are the events of `lines`.
 */
export function deliver(
  sink: Sink,
  lines: Uint8Array,
  from: number,
  pause: Pause,
  onTrouble: (reason: string, written: number) => void,
  rows?: Rows,
): Delivery {
  let written = from
  let waitMs = FIRST_RETRY_MS
  for (;;) {
    const result = sink.write(lines.subarray(written), pause, rows)
    if (result.outcome === 'delivered') return { outcome: 'delivered' }
    const { reason } = result
    written += result.written
    if (result.outcome === 'rejected') return { outcome: 'rejected', reason, written }
    onTrouble(reason, written)
    if (!pause(waitMs)) return { outcome: 'unfinished', reason }
    waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)
  }
}
