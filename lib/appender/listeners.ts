import { counters } from '../diagnostics'
import type { TaskEnd } from '../event'

/** Why a queue made calls wait: many events at once, events that are large, or a destination that is slow. */
export type FullCause = 'burst' | 'large-events' | 'slow-sink'

/** A queue has no room, or lets no call of level info and below in any more. Told once for each such spell. */
export interface QueueFull {
  /** Where the sink writes to, for people. */
  readonly destination: string
  /** Bytes that wait. */
  readonly bytes: number
  readonly events: number
  /** How long the oldest batch has been waiting, in ms. */
  readonly lagMs: number
  readonly cause: FullCause
}

/** What a flush came to: counts since the appender was opened, over all its sinks. */
export interface FlushResult {
  /** Events that the destination has. */
  readonly delivered: number
  /** Events given up because the queue was full. */
  readonly discarded: number
  /** Events that the destination refused. */
  readonly failed: number
  /** Events that are still waiting, because the deadline passed. */
  readonly pending: number
}

/** Functions of the application that an appender calls on the thread that logs; one that throws is counted. Not in a file of options. */
export interface AppenderListeners {
  /** A queue is full. Called inside a log call, so it must be quick. */
  readonly onFull?: ((full: QueueFull) => void) | undefined
  /** A `flush()` or `close()` is over. */
  readonly onFlush?: ((result: FlushResult) => void) | undefined
  /** A task (`withTask`) is over in this process, and its lines have been handed to the flush thread. */
  readonly onTaskEnd?: ((end: TaskEnd) => void) | undefined
}

/** Calls a listener, if there is one; an exception of it is counted. */
export function tellListener<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value)
  } catch {
    counters.userCallbackErrors++
  }
}
