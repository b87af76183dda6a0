import type { MessagePort } from 'node:worker_threads'
import type { SinkSpec } from '../../sinks'
import type { SpillPlace } from '../spill-place'

/*
 * One flush thread serves one sink. Frames reach it through shared memory (ring/memory.ts), and so does everything that must work while no
 * message can be received: sleeping and waking, the lock, the order to stop. Messages are for what is too large for the ring, and for news:
 *
 *        main thread                                                                     flush thread
 *   a line that is larger than the ring  ─── { ring, payload, text }, before its frame ▶  taken when its frame is next
 *   the ring of another isolate          ─── { serve, memory } ────────────────────────▶  served beside the first one, for the same sink
 *   ... is empty, its isolate may be gone ── { leave } ────────────────────────────────▶  let go
 *   flush(): TARGET = HEAD, WANTED = 1, wake                                             TAIL has reached TARGET:
 *   settle what waits for it             ◀── { reached } ──────────────────────────────  WANTED = 0
 *   stderr                               ◀── { notice } ─────────────────────────────────  the spool came upon something
 *   counters, stderr                     ◀── { failure, retried } ─────────────────────  the destination is in trouble
 *   a sink that answers later: wake by message, because its thread has an event loop and may not sleep on a word
 */

/** The name of the ring of the queue that started the flush thread; those of other isolates have names by chance. */
export const OWN_RING = ''

/** What a flush thread is started with. */
export interface FlushThreadData {
  readonly sink: SinkSpec
  readonly memory: SharedArrayBuffer
  /** Each `ToInbox` arrives here. */
  readonly inbox: MessagePort
  /** The spool behind the ring, if there is one. */
  readonly spill: SpillPlace | undefined
  /** Names this start of the isolate that logs, and so its batches. */
  readonly instance: string
  /** How long it sleeps at most before it looks again, in ms; Infinity: until it is woken. */
  readonly pollMs: number
}

/** A line that is too large for the ring. */
export interface OutsideLine {
  readonly ring: string
  readonly payload: number
  readonly text: string
}

/** Main thread to flush thread: what is not in the memory of its ring. */
export type ToInbox = OutsideLine | { readonly serve: string; readonly memory: SharedArrayBuffer } | { readonly leave: string }

/** Main thread to a flush thread that has an event loop: look what is new, let nothing wait any longer, or end. */
export type ToFlushThread = typeof RING | typeof HURRY | typeof STOP

export const RING = 1
export const STOP = 2
export const HURRY = 3

/** Flush thread to main thread. */
export type FromFlushThread =
  | { readonly reached: true }
  | { readonly failure: string; readonly retried: boolean }
  | { readonly notice: string }
