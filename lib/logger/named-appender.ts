import { isDeepStrictEqual } from 'node:util'
import { type AppenderLedger, AsyncAppender, type AsyncAppenderOptions, type FlushResult, guardWithheld } from '../appender'
import { counters } from '../diagnostics'
import { captureEvent, type LogEvent, nextSequence, SEVERITY } from '../event'
import { type FilterSpec, Filters, type Note } from '../filter'
import type { Origin } from '../layout'
import type { SinkSpec } from '../sinks'

/** What makes an appender what it is: two of the same definition are interchangeable. */
export interface AppenderDefinition {
  /** Its name among the options of `configure`. */
  readonly name: string
  readonly sinks: readonly SinkSpec[]
  /** The severity below which it takes nothing, whatever logger an event comes from. */
  readonly threshold: number
  /** Asked about events that the threshold lets pass. */
  readonly filters: readonly FilterSpec[]
  readonly origin: Origin
  readonly options: AsyncAppenderOptions
}

/** An appender as loggers know it: with a name, and a threshold and filters of its own. */
export class NamedAppender {
  readonly definition: AppenderDefinition
  readonly threshold: number
  /** Whether its lines say where in the source the call is. */
  readonly caller: boolean
  readonly #filters: Filters | undefined
  readonly #unguard: (() => void) | undefined
  readonly #appender: AsyncAppender

  constructor(definition: AppenderDefinition) {
    this.definition = definition
    this.threshold = definition.threshold
    this.caller = definition.origin.caller === true
    if (definition.filters.length > 0) {
      this.#filters = new Filters(definition.filters)
      this.#unguard = guardWithheld({ ending: () => this.#settle(), crashing: () => {} })
    }
    this.#appender = new AsyncAppender(definition.sinks, definition.origin, definition.options)
  }

  /** Whether a new one of `definition` would do exactly the same. */
  is(definition: AppenderDefinition): boolean {
    return isDeepStrictEqual(this.definition, definition)
  }

  /** Whether it has filters. */
  get filtering(): boolean {
    return this.#filters !== undefined
  }

  /** Whether its filters let `event` pass; one that they deny is counted. */
  lets(event: LogEvent): boolean {
    if (this.#filters?.decide(event, this.#say) !== 'deny') return true
    counters.eventsDenied++
    return false
  }

  /** See `AsyncAppender.append`. */
  append(event: LogEvent, seq: number): void {
    this.#appender.append(event, seq)
  }

  /** See `AsyncAppender.flush`. */
  flush(deadlineMs?: number): Promise<FlushResult> {
    this.#settle()
    return this.#appender.flush(deadlineMs)
  }

  /** The accounts of its sinks. */
  ledger(): AppenderLedger {
    return { appender: this.definition.name, sinks: this.#appender.ledger() }
  }

  /** See `AsyncAppender.drain`; the deadline is `maxFlushTimeMs`. */
  drain(): void {
    this.#appender.drain(this.#appender.maxFlushTimeMs)
  }

  /** See `AsyncAppender.close`. */
  close(): Promise<FlushResult> {
    this.#settle()
    this.#unguard?.()
    return this.#appender.close()
  }

  readonly #say = (note: Note): void => {
    if (SEVERITY[note.level] >= this.threshold) this.append(captureEvent(undefined, note), nextSequence())
  }

  /* What its filters held back and have not told yet. */
  #settle(): void {
    this.#filters?.settle(this.#say)
  }
}
