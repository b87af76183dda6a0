import { type Rule, rules } from '../internal/options'
import type { ConsumedBatch, ConsumedEvent } from './event'

/** What consumers of any broker have in common. */
export interface ConsumeOptions {
  /**
   * Takes a batch. When it returns, or its promise resolves, the events are acknowledged; when it throws, they come again. It is called for one
   * batch of a queue at a time, and outside of any trace. It may get events again that it had before the process was killed.
   */
  readonly handle: (batch: ConsumedBatch) => unknown
  /**
   * Takes an event that `handle` would not take alone either. As long as it throws, its queue waits. Without it such events are dropped; either way they are
   * counted, and said on stderr.
   */
  readonly onQuarantine?: (event: ConsumedEvent, queue: string, error: unknown) => unknown
  /**
   * How many events a batch has at most, from 1 to 100,000; one that comes packed with others may bring more.
   * @default 500
   */
  readonly batchEvents?: number
  /**
   * How often a batch is tried before its events are tried one by one, from 1 to 1,000,000. The default takes about a minute.
   * @default 10
   */
  readonly maxAttempts?: number
  /**
   * The first pause after a failed call, in milliseconds from 1 to 60,000; each further one is twice as long, up to 30 s.
   * @default 100
   */
  readonly retryDelayMs?: number
}

/** With all that has a default. */
export type ConsumeSettings = Required<Omit<ConsumeOptions, 'onQuarantine'>> & Pick<ConsumeOptions, 'onQuarantine'>

/** What these options must look like. */
export const consumeRules: Readonly<Record<keyof ConsumeOptions, Rule>> = {
  handle: rules.function,
  onQuarantine: rules.function,
  batchEvents: rules.integer(1, 100_000),
  maxAttempts: rules.integer(1, 1_000_000),
  retryDelayMs: rules.integer(1, 60_000),
}

/** Options that passed `consumeRules`, with defaults. */
export function consumeSettings(options: ConsumeOptions): ConsumeSettings {
  const { handle, onQuarantine, batchEvents = 500, maxAttempts = 10, retryDelayMs = 100 } = options
  return { handle, batchEvents, maxAttempts, retryDelayMs, ...(onQuarantine === undefined ? {} : { onQuarantine }) }
}
