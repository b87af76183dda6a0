import type { LogEvent } from '../event'

/**
 * Turns an event into one line with its `\n`. Runs on the thread that logs, inside the log call, so that what the line says is what
 * was true at the call. Never throws.
 */
export type Layout = (event: LogEvent, seq: number) => string

/** Who logs, and what of it a line says beside the event itself. */
export interface Origin {
  /** The name of the service, for people: on each line of the JSON layout; undefined leaves it out. */
  readonly service: string | undefined
  /**
   * Whether a line says where in the source the call is, if the event knows.
   * @default false
   */
  readonly caller?: boolean
}
