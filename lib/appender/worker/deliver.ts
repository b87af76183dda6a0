import type { Pause, Rows, Sink } from '../../sinks'

const FIRST_RETRY_MS = 20
const MAX_RETRY_MS = 2_000

/** What a delivery came to. `unfinished`: told to stop while the destination was in trouble, with `rest` still to write. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'rejected'; readonly reason: string }
  | { readonly outcome: 'unfinished'; readonly reason: string; readonly rest: Uint8Array }

/**
 * Writes `bytes` to `sink`, going on after what was already written, until all is there or the sink refuses it.
 *
 * Waits 20 ms before the second try and twice as long before each further one, up to 2 s, as long as `pause` allows. `onTrouble`
 * hears before each wait what went wrong, and how many bytes are left. `rows` are the events of the batch that `bytes` is the end of.
 */
export function deliver(
  sink: Sink,
  bytes: Uint8Array,
  pause: Pause,
  onTrouble: (reason: string, left: number) => void,
  rows?: Rows,
): Delivery {
  let rest = bytes
  let waitMs = FIRST_RETRY_MS
  for (;;) {
    const result = sink.write(rest, pause, rows)
    if (result.outcome === 'delivered') return { outcome: 'delivered' }
    const { reason } = result
    if (result.outcome === 'rejected') return { outcome: 'rejected', reason }
    rest = rest.subarray(result.written)
    onTrouble(reason, rest.length)
    if (!pause(waitMs)) return { outcome: 'unfinished', reason, rest }
    waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)
  }
}
