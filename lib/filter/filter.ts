import type { LogEvent } from '../event'
import type { Reply } from './reply'

/** What a filter or a budget tells about what it has held back, as a log event of its own. */
export type Say = (statement: Note) => void

/** A line about lines that were held back; it belongs to no trace. */
export interface Note {
  readonly level: LogEvent['level']
  readonly logger: string
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * One filter, made from its data once. It runs inside the log call, on the thread that logs, so it must be quick, and never throws.
 *
 * Time is `event.time`, so a filter asks no clock of its own.
 */
export interface Filter {
  /** What it replies depends on the events before: it is asked only about events that would be written. */
  readonly stateful: boolean
  decide(event: LogEvent, say: Say): Reply
  /** Tells what was held back and not told yet: at a flush, and at the end. */
  settle?(say: Say): void
}
