import { isThreshold, LEVELS, type Level, type LogEvent, SEVERITY, type Threshold } from '../event'
import { checkOptions, type Rule, rules } from '../internal/options'

/** What the flight recorder keeps, and when it is written. */
export interface FlightRecorderOptions {
  /**
   * Lines of this level and above are kept if they are not written.
   * @default 'trace'
   */
  readonly level?: Threshold
  /**
   * A line of this level and above makes its trace fail: what was kept of the trace is written before it.
   * @default 'error'
   */
  readonly trigger?: Level
  /**
   * Asked about the event at the end of each request served and message handled (`fields.span`); true makes the trace fail. If it throws, or gives
   * no boolean, that is counted and means no. Requests that end with an error, a status of 500 and above, or too early make their trace fail
   * without it.
   */
  readonly failedWhen?: (event: LogEvent) => boolean
  /**
   * How many lines are kept of one trace, from 1; the earliest make room.
   * @default 256
   */
  readonly maxLines?: number
  /**
   * How much memory the lines of one trace may take, in bytes from 1024; the earliest make room. Reckoned as 256 for each line and two for
   * each character.
   * @default 64 KiB
   */
  readonly maxTraceBytes?: number
  /**
   * How much memory all lines may take, in bytes from 1024; the trace that began first makes room.
   * @default 8 MiB
   */
  readonly maxBytes?: number
  /**
   * A trace that has not logged for this time is forgotten, in milliseconds from 10: for work whose end nobody tells.
   * @default 300000
   */
  readonly maxIdleMs?: number
}

const threshold: Rule = (value) => (isThreshold(value) ? undefined : rules.oneOf(...Object.keys(SEVERITY))(undefined))

const RULES = {
  level: threshold,
  trigger: rules.oneOf(...LEVELS),
  failedWhen: rules.function,
  maxLines: rules.integer(1, 1_000_000),
  maxTraceBytes: rules.integer(1024, 2 ** 30),
  maxBytes: rules.integer(1024, 2 ** 32),
  maxIdleMs: rules.integer(10, 2 ** 31 - 1),
}

/** Checks the recorder's options that were given to `owner`; throws ERR_TRACELANE_OPTION_* with the cure. */
export function checkFlightRecorder(owner: string, value: unknown): asserts value is FlightRecorderOptions {
  checkOptions(owner, value, RULES)
}
