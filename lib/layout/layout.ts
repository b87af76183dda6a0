import type { LogEvent } from '../event'

/**
 * Turns an event into one line with its `\n`. Runs on the thread that logs, inside the log call, so that what the line says is what
 * was true at the call. Never throws.
 */
export type Layout = (event: LogEvent, seq: number) => string

/** Who logs, for people: on each line of the JSON layout. */
export interface Origin {
  /** The name of the service; undefined leaves it out. */
  readonly service: string | undefined
}
