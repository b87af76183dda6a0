/** Whole lines on their way to one sink, in order. */
export interface Batch {
  readonly text: string
  readonly events: number
}

/** What a flush came to: counts since the appender was opened. */
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
