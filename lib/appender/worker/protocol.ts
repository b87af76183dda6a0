import type { SinkSpec } from '../../sinks'

/*
 * One flush thread serves one sink. Batches go to it by message; who may write is settled in shared memory, so that the main thread
 * can take over at exit, when no message can be received any more:
 *
 *        main thread                                   control words                    flush thread
 *   post batch n  ────────────── { batch: n, text, events } by message ──────────────▶  lock: OWNER free -> FLUSH
 *   keep it until it is resolved                                                        n < RESOLVED: skip, it was taken over
 *                                                                                       write on from byte WRITTEN, retry
 *   wait for room, drain  ◀─────── RESOLVED n + 1 (FAILED + events if refused) ───────  unlock: OWNER FLUSH -> free, notify
 *
 *   take over: lock OWNER free -> MAIN, write batches from RESOLVED on, count them as resolved, unlock
 *
 * A batch is resolved under the lock only, so nobody writes one twice, unless a flush thread dies between its write and RESOLVED.
 * Whoever gives the lock back in the middle of a batch, because it was told to stop, leaves in WRITTEN where the next one goes on.
 */

/** Indexes into the shared Int32Array of control words. `written` is how many bytes of batch RESOLVED are at the destination already. */
export const CONTROL = { owner: 0, stop: 1, resolved: 2, failed: 3, written: 4, words: 5 } as const

/** Values of `CONTROL.owner`. */
export const OWNER = { free: 0, flush: 1, main: 2 } as const

/** What a flush thread is started with. */
export interface FlushThreadData {
  readonly sink: SinkSpec
  readonly control: SharedArrayBuffer
}

/** Main thread to flush thread. `flush` asks for a reply once everything before it is resolved. */
export type ToFlushThread =
  | { readonly batch: number; readonly text: string; readonly events: number }
  | { readonly flush: number }

/** Flush thread to main thread. */
export type FromFlushThread = { readonly flushed: number } | { readonly failure: string; readonly retried: boolean }
