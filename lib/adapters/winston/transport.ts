import { type Readable, Writable } from 'node:stream'
import { complain } from '../../diagnostics'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { flush, hasOutput } from '../../logger'
import { toAppenders } from '../to-appenders'
import { captureCalls, capturedIn } from './attach-trace'
import { eventOfInfo, isTaken, isTraced } from './info-event'
import { levelOf } from './levels'
import { type Info, LEVEL, SPAN_LINE, type WinstonLike } from './winston-like'

/** What the transport needs of a format of winston's. */
interface Format {
  transform(info: never, options?: unknown): unknown
  readonly options?: unknown
}

/** Options of `tracelaneTransport`; those beside `logger` are winston's own. */
export interface WinstonTransportOptions {
  /**
   * The logger name under which lines enter: it decides which appenders they go to.
   * @default 'winston'
   */
  readonly logger?: string
  /**
   * The least severe level that is taken, by winston's name.
   * @default the logger's own
   */
  readonly level?: string
  /**
   * A format for this transport only.
   * @default none
   */
  readonly format?: Format
  /**
   * Whether nothing is taken.
   * @default false
   */
  readonly silent?: boolean
  /**
   * Whether uncaught exceptions are logged.
   * @default false
   */
  readonly handleExceptions?: boolean
  /**
   * Whether unhandled rejections are logged.
   * @default false
   */
  readonly handleRejections?: boolean
}

/** What is piped into the transport: a logger. */
type Source = Readable & Partial<Pick<WinstonLike, 'levels' | 'log'>> & { readonly level?: string }

const UNTRACED =
  'a winston line came without the trace of its call: the transport is not among those of a logger, or a format makes new objects ' +
  'without their symbols; attachTrace(logger) helps'

const format: Rule = (value) =>
  typeof (value as { transform?: unknown } | null)?.transform === 'function' ? undefined : 'a format of winston'

/** A transport of winston's that is our appenders; see `tracelaneTransport`. */
export class TracelaneTransport extends Writable {
  /* winston reads and changes these four. */
  level?: string
  silent?: boolean
  handleExceptions?: boolean
  handleRejections?: boolean
  readonly #format: Format | undefined
  readonly #logger: string
  readonly #sources = new Set<Source>()
  #levels: Readonly<Record<string, number>> = {}
  #onProgress = (): void => {}

  constructor({ logger = 'winston', format: own, ...winstons }: WinstonTransportOptions) {
    super({ objectMode: true })
    this.#logger = logger
    this.#format = own
    Object.assign(this, winstons)
    this.on('pipe', (source: Source) => this.#addSource(source))
    this.on('unpipe', (source: Source) => {
      this.#sources.delete(source)
      this.#onProgress()
    })
  }

  /** Takes an entry that has passed winston's filters: `_write`, or its exception handler. */
  log(info: Info, next: () => void): void {
    this.#take(info)
    next()
  }

  /* `logger.end()` ends the transports while the logger may still hold entries back because one of them was slow. They are not late. */
  override write(info: unknown, ...rest: never[]): boolean {
    if (!this.writableEnded) return super.write(info, ...rest)
    this.#pass(info as Info)
    this.#onProgress()
    return true
  }

  override _write(info: Info, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#pass(info)
    callback()
  }

  /* 'finish' comes when no logger holds anything back any more and all is written. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#onProgress = () => {
      for (const source of this.#sources) if (source.readableLength > 0) return
      this.#onProgress = () => {}
      void flush().then(() => callback())
    }
    this.#onProgress()
  }

  #addSource(source: Source): void {
    this.#sources.add(source)
    if (source.levels === undefined || typeof source.log !== 'function') return
    this.#levels = source.levels
    captureCalls(source as unknown as WinstonLike)
  }

  #pass(info: Info): void {
    if (this.silent === true || (info['exception'] === true && this.handleExceptions !== true)) return
    const level = this.level ?? this.#levelOfSource()
    if (level !== undefined && !((this.#levels[level] as number) >= (this.#levels[nameOfLevel(info)] as number))) return
    if (this.#format === undefined) this.#take(info)
    else {
      const formatted = this.#format.transform(Object.assign({}, info) as never, this.#format.options)
      if (typeof formatted === 'object' && formatted !== null) this.#take(formatted as Info)
    }
  }

  #levelOfSource(): string | undefined {
    for (const { level } of this.#sources) if (level !== undefined) return level
    return undefined
  }

  #take(info: Info): void {
    // An event of the kit is on its way to the appenders by itself.
    if (isTaken(info, this.#logger) || (info[SPAN_LINE] === true && hasOutput())) return
    if (!isTraced(info)) complain('winston', UNTRACED)
    const name = nameOfLevel(info)
    const event = eventOfInfo(info, { logger: this.#logger, name, level: levelOf(name, this.#levels) })
    toAppenders(event, capturedIn(info)?.scope)
  }
}

/**
 * A transport for winston that is our appenders: `createLogger({ transports: [tracelaneTransport()] })`.
 *
 * Each entry, as the logger's formats leave it, becomes an event with the ids and the MDC of the flow that logged: the transport has the
 * logger keep them at the call, so neither `traceMeta` nor `attachTrace` is needed beside it. Errors keep stack and cause in every form of
 * the call. Where the lines go is said by `configure`. 'finish' comes when all is written, or at the deadline of `flush`. Throws
 * ERR_TRACELANE_OPTION_* for wrong options.
 */
export function tracelaneTransport(options: WinstonTransportOptions = {}): TracelaneTransport {
  checkOptions('tracelaneTransport', options, {
    logger: rules.string,
    level: rules.string,
    format,
    silent: rules.boolean,
    handleExceptions: rules.boolean,
    handleRejections: rules.boolean,
  })
  return new TracelaneTransport(options)
}

function nameOfLevel(info: Info): string {
  return String(info[LEVEL] ?? info['level'])
}
