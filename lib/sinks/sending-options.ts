import { type Rule, rules } from '../internal/options'

/** How lines become batches on their way to a destination on the network. Every such sink has these options. */
export interface SendingOptions {
  /**
   * How many events a batch has at most, from 1 to 1,000,000.
   * @default 10000
   */
  readonly maxBatchEvents?: number
  /**
   * How many bytes of lines a batch has at most, from 1 KiB to 256 MiB. A line that is larger goes alone.
   * @default 1 MiB
   */
  readonly maxBatchBytes?: number
  /**
   * How long a batch that could be larger waits for more, in milliseconds from 0 to 60,000, beside the appender's `flushIntervalMs`. The end of a
   * task (`withTask`) and `flush()` end each wait.
   * @default 0
   */
  readonly lingerMs?: number
  /**
   * How many batches may be on their way at once, from 1 to 256. With `acknowledged`, each trace goes one of so many ways, so that its lines stay in
   * order; lines outside any trace share one.
   * @default 1
   */
  readonly maxInFlight?: number
  /**
   * `acknowledged`: a batch is sent again until the destination has it or refuses it. `one-way`: a batch is sent once, and nothing waits for its
   * receipt, not even the next batch of the same trace; what then fails is counted as rejected.
   * @default 'acknowledged'
   */
  readonly mode?: 'acknowledged' | 'one-way'
  /**
   * How long a batch of `one-way` waits while `maxInFlight` others are on their way, in milliseconds from 0 to 600,000; then it is refused and
   * counted. 0: it is refused at once.
   * @default 5000
   */
  readonly acquireTimeoutMs?: number
}

/** The rules of `SendingOptions`, for sinks that have them among their own. */
export const sendingRules: Readonly<Record<keyof SendingOptions, Rule>> = {
  maxBatchEvents: rules.integer(1, 1_000_000),
  maxBatchBytes: rules.integer(1024, 256 * 2 ** 20),
  lingerMs: rules.integer(0, 60_000),
  maxInFlight: rules.integer(1, 256),
  mode: rules.oneOf('acknowledged', 'one-way'),
  acquireTimeoutMs: rules.integer(0, 600_000),
}

/** The sending options among those of a sink, complete. */
export function resolveSending(options: SendingOptions = {}): Required<SendingOptions> {
  const { maxBatchEvents = 10_000, maxBatchBytes = 2 ** 20, lingerMs = 0 } = options
  const { maxInFlight = 1, mode = 'acknowledged', acquireTimeoutMs = 5_000 } = options
  return { maxBatchEvents, maxBatchBytes, lingerMs, maxInFlight, mode, acquireTimeoutMs }
}
