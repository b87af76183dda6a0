import type { LogEvent } from '../event'
import type { Redactor } from '../redaction'

/**
 * Turns an event into one line with its `\n`. Runs on the thread that logs, inside the log call, so that what the line says is what
 * was true at the call. Never throws.
 *
 * A layout writes values by `fieldToJson`, `errorToJson` and `textToJson` of lib/event, and gives them its `origin.redactor`: what is secret
 * is then never in a line.
 */
export type Layout = (event: LogEvent, seq: number) => string

/** Who logs, what of it a line says beside the event itself, and what must not be in any line. */
export interface Origin {
  /** The name of the service, for people: on each line of the JSON layout; undefined leaves it out. */
  readonly service: string | undefined
  /**
   * Whether a line says where in the source the call is, if the event knows.
   * @default false
   */
  readonly caller?: boolean
  /** @default what `configure` does without `redaction`: the default list */
  readonly redactor?: Redactor | undefined
}
