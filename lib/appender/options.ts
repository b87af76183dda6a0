import { checkOptions, rules } from '../internal/options'

/** Options of an asynchronous appender. */
export interface AsyncAppenderOptions {
  /**
   * How many characters may wait for one sink, from 4 KiB to 1 GiB. Events of level info and below are discarded, and counted,
   * when less than a fifth of it is free.
   * @default 4 MiB
   */
  readonly queueBytes?: number
  /**
   * How long a call of level warn and above waits for room in a full queue before the event is discarded, in milliseconds from
   * 0 to 60,000.
   * @default 50
   */
  readonly appendTimeoutMs?: number
  /**
   * How long a line may wait for others before it is handed to the flush thread, in milliseconds from 1 to 60,000. A batch of 64 KiB goes
   * at once.
   * @default 10
   */
  readonly flushIntervalMs?: number
  /**
   * How long the end of the process may be delayed to write what is left, in milliseconds from 0 to 600,000.
   * @default 1000
   */
  readonly maxFlushTimeMs?: number
  /**
   * Whether a worker thread writes. `false` writes on the thread that logs, batch by batch: for one-CPU and serverless machines.
   * @default true
   */
  readonly thread?: boolean
}

/** The rules of `AsyncAppenderOptions`, for whoever takes them among its own options. */
export const appenderRules = {
  queueBytes: rules.integer(4096, 2 ** 30),
  appendTimeoutMs: rules.integer(0, 60_000),
  flushIntervalMs: rules.integer(1, 60_000),
  maxFlushTimeMs: rules.integer(0, 600_000),
  thread: rules.boolean,
} as const

/** A complete, frozen copy of the options. Throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveAppenderOptions(options: AsyncAppenderOptions = {}): Required<AsyncAppenderOptions> {
  checkOptions('asyncAppender', options, appenderRules)
  const { queueBytes = 4 * 2 ** 20, appendTimeoutMs = 50, flushIntervalMs = 10, maxFlushTimeMs = 1000, thread = true } = options
  return Object.freeze({ queueBytes, appendTimeoutMs, flushIntervalMs, maxFlushTimeMs, thread })
}
