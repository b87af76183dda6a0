import type { LogEvent } from '../event'
import { compileRedaction, type Redaction, type Redactor } from '../redaction'

/**
 * Turns an event into one line with its `\n`. Runs on the thread that logs, inside the log call, so that what the line says is what
 * was true at the call. Never throws.
 *
 * What is secret must be in no line. Either a layout writes each value by `fieldToJson`, `errorToJson` and `textToJson` of lib/event and gives them
 * `redactorOf(origin)`, or it is wrapped in `redactingLayout`.
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
  /**
   * What is secret. Data, as all of an origin, so that two can be compared; `redactorOf` compiles it.
   * @default true: the default list
   */
  readonly redaction?: Redaction
}

/** The redactor of `origin`, for a layout to make once and to write each value with. */
export function redactorOf({ redaction }: Origin): Redactor {
  return compileRedaction(redaction)
}
