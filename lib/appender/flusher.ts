import type { Batch } from './batch'

/**
 * Takes batches over from the thread that logs and writes them to one sink, in order. Two kinds: `FlushThread` (a worker) and
 * `InProcessFlusher` (the thread that logs).
 */
export interface Flusher {
  /** Takes a batch. Never throws, never waits for a write. */
  post(batch: Batch): void
  /** How many characters and events are taken over and not resolved yet; looks at the newest state. */
  backlog(): { readonly characters: number; readonly events: number }
  /** Events that the sink has, and that it refused, so far. */
  outcome(): { readonly delivered: number; readonly failed: number }
  /** Blocks this thread up to `ms` milliseconds until more is resolved; false if nothing was. */
  waitForProgress(ms: number): boolean
  /** Resolves when everything posted before is resolved, or at the deadline. Needs the event loop. */
  settled(deadlineMs: number): Promise<void>
  /** Blocks this thread until everything posted is written, or the deadline has passed. For exits, where no event loop turns. */
  drain(deadlineMs: number): void
  /** Ends the thread and releases the sink; what is not resolved by then stays unresolved. Idempotent. */
  close(): Promise<void>
}
