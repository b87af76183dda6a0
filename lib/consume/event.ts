/** One event as it came out of a queue. */
export interface ConsumedEvent {
  /** What the layout made of it, without the line break at its end. */
  readonly line: string
  /** With `seq` its name for ever; undefined if whoever sent it was not this kit. */
  readonly instance: string | undefined
  readonly seq: number | undefined
  /** Undefined outside any trace. */
  readonly traceId: string | undefined
}

/** What a handler gets at once: events of one queue, in order. */
export interface ConsumedBatch {
  /** The partition, such as `logs-3`. Batches of one queue come one after the other, those of several at once. */
  readonly queue: string
  readonly events: readonly ConsumedEvent[]
}

/** What a consumer has done since it was made. */
export interface ConsumerStats {
  /** Events that the handler has acknowledged. */
  readonly handled: number
  /** Events that came again and were left out. */
  readonly duplicates: number
  /** Events that the handler would not take. */
  readonly quarantined: number
  /** Calls of the handler that failed. */
  readonly failures: number
  /** The queues that are this consumer's now. */
  readonly queues: readonly string[]
}

/** A member of a group that takes events from a broker, each queue in order. */
export interface OrderedConsumer {
  stats(): ConsumerStats
  /**
   * Lets calls of the handler come to their end, says how far they came, and leaves the group. Resolves when nothing runs any more. Idempotent.
   */
  close(): Promise<void>
}
