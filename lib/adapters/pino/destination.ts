import { currentScope, HybridClock } from '../../context'
import { captureEvent, captureLine } from '../../event'
import { checkOptions, rules } from '../../internal/options'
import { drainOutput, flush, hasOutput } from '../../logger'
import { lineScope } from '../line-scope'
import { isSpanLine } from '../span-lines'
import { toAppenders } from '../to-appenders'
import { contentOf, isObject, levelIn, levelOf, messageIn, oneLine } from './line'

/** Options of `tracelaneDestination`. */
export interface PinoDestinationOptions {
  /**
   * The logger name under which lines enter: it decides which appenders they go to.
   * @default pino's own `name`, of the logger or the child; without one 'pino'
   */
  readonly logger?: string
}

/** What pino needs of a destination; also for `pino.multistream` and the `stream` of pino-http and Fastify. */
export interface PinoDestination {
  /** Takes one line of pino's. */
  write(line: string): void
  /** Calls back when what was logged before is written, or at the deadline of `flush`. */
  flush(callback?: (error?: Error) => void): void
  /** Blocks until what was logged before is written, at most `maxFlushTimeMs`; pino calls it after each line of level fatal. */
  flushSync(): void
  /** Like `flush`: the appenders belong to the process. */
  end(): void
}

/* What pino tells a destination that has this mark about the line before it writes it (its `lib/proto.js`, `write`). */
const TELL_ME = Symbol.for('pino.metadata')

interface ToldLogger {
  readonly levels?: { readonly labels?: Readonly<Record<number, string>> }
  bindings?(): Readonly<Record<string, unknown>>
}

const DEFAULT_NAME = 'pino'

class TracelaneDestination implements PinoDestination {
  readonly [TELL_ME] = true
  /** By this pino knows that it is no options: `pino(tracelaneDestination())`. */
  readonly writable = true
  lastLevel: number | string | undefined
  lastMsg: unknown
  lastObj: Readonly<Record<string, unknown>> | undefined
  lastTime: string | undefined
  lastLogger: ToldLogger | undefined
  readonly #logger: string | undefined
  readonly #names = new WeakMap<ToldLogger, string>()

  constructor(logger: string | undefined) {
    this.#logger = logger
  }

  write(text: string): void {
    // An event of the kit is on its way to the appenders by itself.
    if (isSpanLine() && hasOutput()) return
    const { lastLogger, lastLevel, lastMsg, lastObj } = this
    const line = lastLevel === undefined ? oneLine(text).trim() : oneLine(text)
    // Told for this line only; what is left of it here would be kept from the garbage collector until the next one.
    this.lastObj = undefined
    const logger = this.#logger ?? this.#nameOf(lastLogger)
    const labels = lastLogger?.levels?.labels
    const hlc = lastObj?.['hlc']
    // Then the mixin has read the trace for this line.
    const clock = typeof hlc === 'string' && HybridClock.isClock(hlc) ? hlc : undefined
    const scope = clock === undefined ? lineScope() : currentScope()
    if (!(lastLevel === undefined ? isObject(line) : line.startsWith('{') && line.endsWith('}'))) {
      toAppenders(captureEvent(scope, { level: levelOf(lastLevel, labels), logger, msg: line }))
      return
    }
    const level = lastLevel === undefined ? levelIn(line) : levelOf(lastLevel, labels)
    const msg = lastMsg === undefined || lastMsg === null ? messageIn(line) : String(lastMsg)
    toAppenders(captureLine(scope, { level, logger, msg, line, hlc: clock, read: (whole) => contentOf(whole, msg) }))
  }

  flush(callback: (error?: Error) => void = () => {}): void {
    void flush().then(() => callback())
  }

  flushSync(): void {
    drainOutput()
  }

  end(): void {
    this.flush()
  }

  #nameOf(told: ToldLogger | undefined): string {
    if (told === undefined) return DEFAULT_NAME
    let name = this.#names.get(told)
    if (name === undefined) {
      const own = told.bindings?.()['name']
      name = typeof own === 'string' && own !== '' ? own : DEFAULT_NAME
      this.#names.set(told, name)
    }
    return name
  }
}

/**
 * A destination for pino that is our appenders: `pino(options, tracelaneDestination())`.
 *
 * pino's own line stays as it is, byte for byte, and gets at its end the MDC, `traceId` and `spanId` of the flow that logs, and in files
 * `hlc`, `seq` and `instance`; `traceMixin` is not needed beside it. Where the lines go is said by `configure`; pino's level decides
 * which there are. Nothing needs to be closed.
 */
export function tracelaneDestination(options: PinoDestinationOptions = {}): PinoDestination {
  checkOptions('tracelaneDestination', options, { logger: rules.string })
  return new TracelaneDestination(options.logger)
}
