import { isError, type Level } from '../event'
import { checkOptions, rules } from '../internal/options'
import { readArguments } from '../logger'
import { enter, type Told, takerOf } from './enter'
import { isStack, readStack } from './text'

/** NestJS's names of levels. */
export type NestLevel = 'verbose' | 'debug' | 'log' | 'warn' | 'error' | 'fatal'

/** Options of `nestLogger`. */
export interface NestLoggerOptions {
  /**
   * The logger name of lines without a context; the context of the others is their logger name.
   * @default 'nest'
   */
  readonly logger?: string
}

const LEVEL: Readonly<Record<NestLevel, Level>> = {
  verbose: 'trace',
  debug: 'debug',
  log: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
}
/* In the order of severity, which is that of NestJS too. */
const NEST_LEVELS = Object.keys(LEVEL)

/**
 * A `LoggerService` of NestJS that is our logger; `nestLogger` makes one.
 *
 * `new Logger('Orders')` of `@nestjs/common` then writes under the logger name `Orders`, with the level that `configure` has for that name.
 * What NestJS's own logger prints as several lines for several messages is one event here. Nothing throws.
 */
export class NestLogger {
  readonly #name: string
  #passes: ReadonlySet<string> | undefined

  /** Applications use `nestLogger`, which checks the options; NestJS's injector calls it without any. */
  constructor(options: NestLoggerOptions = {}) {
    this.#name = options.logger ?? 'nest'
  }

  log(message: unknown, ...optionalParams: unknown[]): void {
    this.#log('log', message, optionalParams)
  }

  error(message: unknown, ...optionalParams: unknown[]): void {
    this.#log('error', message, optionalParams)
  }

  warn(message: unknown, ...optionalParams: unknown[]): void {
    this.#log('warn', message, optionalParams)
  }

  debug(message: unknown, ...optionalParams: unknown[]): void {
    this.#log('debug', message, optionalParams)
  }

  verbose(message: unknown, ...optionalParams: unknown[]): void {
    this.#log('verbose', message, optionalParams)
  }

  fatal(message: unknown, ...optionalParams: unknown[]): void {
    this.#log('fatal', message, optionalParams)
  }

  /** What `app.useLogger(['error', 'warn'])` calls: beside our levels, only these and those above the highest of them pass. */
  setLogLevels(levels: NestLevel[]): void {
    const highest = Math.max(...levels.map((level) => NEST_LEVELS.indexOf(level)))
    this.#passes = new Set(NEST_LEVELS.filter((level, i) => levels.includes(level as NestLevel) || (i > highest && highest >= 0)))
  }

  #log(nestLevel: NestLevel, message: unknown, params: unknown[]): void {
    if (this.#passes?.has(nestLevel) === false) return
    const { context, rest } = splitContext(params)
    const name = context ?? this.#name
    const level = LEVEL[nestLevel]
    const take = takerOf(name, level)
    if (take === undefined) return
    enter(level, name, () => (level === 'error' || level === 'fatal' ? withStack(message, rest) : toldBy(message, rest)), take)
  }
}

/**
 * Our logger as a `LoggerService`: `NestFactory.create(AppModule, { logger: nestLogger() })`, or `app.useLogger(nestLogger())`.
 *
 * A last parameter that is a text is the context, as NestJS has it. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function nestLogger(options: NestLoggerOptions = {}): NestLogger {
  checkOptions('nestLogger', options, { logger: rules.string })
  return new NestLogger(options)
}

/* `logger.error(message, stack)` has a text as its last parameter that is no context. */
function splitContext(params: readonly unknown[]): { context: string | undefined; rest: readonly unknown[] } {
  const last = params.at(-1)
  return typeof last === 'string' && last !== '' && !isStack(last)
    ? { context: last, rest: params.slice(0, -1) }
    : { context: undefined, rest: params }
}

function toldBy(message: unknown, rest: readonly unknown[]): Told {
  return readArguments(resolved(message), rest)
}

/* `(message, stack?, context?)`: NestJS's own calls and old code give the stack of an error as a text. */
function withStack(message: unknown, rest: readonly unknown[]): Told {
  const stack = rest.find(isStack)
  if (stack === undefined) return toldBy(message, rest)
  const told = toldBy(
    message,
    rest.filter((param) => param !== stack),
  )
  return isError(told.err) ? told : { ...told, err: readStack(stack, told.msg) }
}

/* A class stands for its name, and any other function for what it returns, as in NestJS's own logger. */
function resolved(message: unknown): unknown {
  if (typeof message !== 'function') return message
  return Function.prototype.toString.call(message).startsWith('class ') ? message.name : resolved(message())
}
