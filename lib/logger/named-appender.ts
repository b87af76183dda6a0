import { isDeepStrictEqual } from 'node:util'
import { AsyncAppender, type AsyncAppenderOptions, type FlushResult } from '../appender'
import type { LogEvent } from '../event'
import type { Origin } from '../layout'
import type { SinkSpec } from '../sinks'

/** What makes an appender what it is: two of the same definition are interchangeable. */
export interface AppenderDefinition {
  /** Its name among the options of `configure`. */
  readonly name: string
  readonly sinks: readonly SinkSpec[]
  /** The severity below which it takes nothing, whatever logger an event comes from. */
  readonly threshold: number
  readonly origin: Origin
  readonly options: AsyncAppenderOptions
}

/** An appender as loggers know it: with a name, and a threshold of its own. */
export class NamedAppender {
  readonly definition: AppenderDefinition
  readonly threshold: number
  /** Whether its lines say where in the source the call is. */
  readonly caller: boolean
  readonly #appender: AsyncAppender

  constructor(definition: AppenderDefinition) {
    this.definition = definition
    this.threshold = definition.threshold
    this.caller = definition.origin.caller === true
    this.#appender = new AsyncAppender(definition.sinks, definition.origin, definition.options)
  }

  /** Whether a new one of `definition` would do exactly the same. */
  is(definition: AppenderDefinition): boolean {
    return isDeepStrictEqual(this.definition, definition)
  }

  /** See `AsyncAppender.append`. */
  append(event: LogEvent, seq: number): void {
    this.#appender.append(event, seq)
  }

  /** See `AsyncAppender.flush`. */
  flush(deadlineMs?: number): Promise<FlushResult> {
    return this.#appender.flush(deadlineMs)
  }

  /** See `AsyncAppender.close`. */
  close(): Promise<FlushResult> {
    return this.#appender.close()
  }
}
