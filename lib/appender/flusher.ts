/**
 * Brings what lies in a ring to one sink, in order. Four kinds: `FlushThread` (a worker), `GuestFlusher` (the worker of another isolate), and on the
 * thread that logs `InProcessFlusher` and, for sinks that answer later, `InProcessSender`.
 */
export interface Flusher {
  /** Whether a worker writes, not the thread that logs. */
  readonly isThread: boolean
  /** Is told that frames were written to the ring. Never throws, never waits for a write. */
  posted(): void
  /** Is told that a task or a trace is over, so that what was posted, and if `isPartAhead` what is posted next, waits for no more lines. */
  ended?(isPartAhead: boolean): void
  /** Takes a line that is too large for the ring, before the frame that stands for it is written. */
  outside(payload: number, text: string): void
  /**
   * Blocks this thread up to `ms` milliseconds until frames are resolved, by `help` with its own hands if nobody else is at it; false if
   * none were, undefined if none ever will while this thread is blocked.
   */
  waitForProgress(ms: number, help: boolean): boolean | undefined
  /** Resolves when everything posted before is resolved, or at the deadline. Needs the event loop. */
  settled(deadlineMs: number): Promise<void>
  /** Blocks this thread until everything posted is resolved, or the deadline has passed. For exits, where no event loop turns. */
  drain(deadlineMs: number): void
  /**
   * Ends the thread and releases the sink; what is not resolved by then stays unresolved. What other isolates have in their rings gets
   * `graceMs`. Idempotent.
   */
  close(graceMs: number): Promise<void>
}

/** A flusher that belongs to the isolate that logs. */
export interface OwnFlusher extends Flusher {
  /** Ends after the frame in hand, because somebody else serves the ring from now on. */
  retire(): Promise<void>
}
