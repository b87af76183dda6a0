import type { LogEvent } from '../event'
import type { FrameContent } from './ring'

/**
 * The events that are gathered for the next frame, on the heap of the thread that logs.
 *
 * First `record`, which may run code of the application (getters, `toJSON`) that logs, flushes or ends the process; then the event is either
 * forgotten or added by `add`. A log call inside another one does both, with the batch `inner`, before the outer `record` returns.
 */
export interface EventBatch {
  /** How many events were added. */
  readonly events: number
  /** How large it is by now, roughly: never less than a third of its bytes. */
  readonly length: number
  /** Makes a record of an event and returns how large it is, roughly: never less than a third of its bytes. */
  record(event: LogEvent, seq: number): number
  /** How many bytes the last record has, without what is the same for all records. */
  recordBytes(): number
  /** Adds the last record. */
  add(severity: number, seq: number, flags: number): void
  /** Bytes of the frame that the batch makes; never less than it will have. */
  frameBytes(): number
  /** The same, with the last record added. */
  frameBytesWith(): number
  /** The finished line of the event of the last record. */
  line(event: LogEvent, seq: number): string
  /** The batch for what is logged while this one makes a record, by getters of what is logged. */
  inner(): EventBatch
  /** What was gathered, as the content of a frame, good until the next call; the batch is empty then. */
  take(): FrameContent
}

/** UTF-8 takes at most three bytes for one UTF-16 unit. */
export const MAX_BYTES_PER_UNIT = 3
