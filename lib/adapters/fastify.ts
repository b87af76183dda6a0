import { counters } from '../diagnostics'
import { isError, LEVELS, type Level, reasonOf, SEVERITY } from '../event'
import { checkOptions, type Rule, rules } from '../internal/options'
import { nearestNode, readArguments } from '../logger'
import { enter, type Told, takerOf } from './enter'

/** Turns the value of a field into what is written. */
export type Serializer = (value: never) => unknown

/** What Fastify and pino give to `child` beside the bindings. */
export interface FastifyChildOptions {
  readonly level?: string
  readonly serializers?: Readonly<Record<string, Serializer>>
}

/** Options of `fastifyLogger`. */
export interface FastifyLoggerOptions {
  /**
   * The logger name of its lines.
   * @default 'fastify'
   */
  readonly logger?: string
  /**
   * Serializers by the name of the field, in the place of Fastify's own for `req` and `res`, or beside them. An Error is written as all our errors are,
   * whatever the serializer for `err` is.
   */
  readonly serializers?: Readonly<Record<string, Serializer>>
}

type Fields = Readonly<Record<string, unknown>>

const serializerMap: Rule = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'function')
    ? undefined
    : 'an object of functions by the name of the field'

const SILENT = 'silent'

/**
 * Our logger with the methods that Fastify wants of a `loggerInstance`; `fastifyLogger` makes one.
 *
 * Each method takes what pino's takes: `(msg, ...args)`, `(fields, msg?, ...args)` or `(err, msg?, ...args)`. Nothing throws.
 */
export class FastifyLogger {
  /** The serializers that were given to `fastifyLogger`; Fastify reads them and hands them back, with its own, to `child`. */
  readonly serializers: Readonly<Record<string, Serializer>>
  /** pino has this, and the types of Fastify 4 want it: there is no prefix. */
  readonly msgPrefix: undefined
  readonly #name: string
  readonly #bindings: Fields | undefined
  /* Of this logger alone: that of a route's `logLevel`, or what was assigned to `level`. */
  #own: Level | typeof SILENT | undefined

  /** Applications use `fastifyLogger`. */
  constructor(
    name: string,
    serializers: Readonly<Record<string, Serializer>>,
    bindings?: Fields,
    own?: Level | typeof SILENT | undefined,
  ) {
    this.#name = name
    this.serializers = serializers
    this.#bindings = bindings
    this.#own = own
  }

  /** The lowest level that is written, or `silent`: that of the logger name in `configure`, until another one is assigned. */
  get level(): string {
    if (this.#own !== undefined) return this.#own
    const { effective } = nearestNode(this.#name)
    return LEVELS.find((level) => SEVERITY[level] >= effective) ?? SILENT
  }

  set level(level: string) {
    this.#own = levelNamed(level)
  }

  trace(first?: unknown, ...rest: unknown[]): void {
    this.#log('trace', first, rest)
  }

  debug(first?: unknown, ...rest: unknown[]): void {
    this.#log('debug', first, rest)
  }

  info(first?: unknown, ...rest: unknown[]): void {
    this.#log('info', first, rest)
  }

  warn(first?: unknown, ...rest: unknown[]): void {
    this.#log('warn', first, rest)
  }

  error(first?: unknown, ...rest: unknown[]): void {
    this.#log('error', first, rest)
  }

  fatal(first?: unknown, ...rest: unknown[]): void {
    this.#log('fatal', first, rest)
  }

  /** Writes nothing. */
  silent(): void {}

  /** A logger that adds `bindings` to each event; a level and serializers in `options` are for it alone. */
  child(bindings: object, options: FastifyChildOptions = {}): FastifyLogger {
    const serializers = { ...this.serializers, ...options.serializers }
    const all = { ...this.#bindings, ...serialized(bindings as Fields, serializers) }
    const own = options.level === undefined ? this.#own : levelNamed(options.level)
    return new FastifyLogger(this.#name, serializers, all, own)
  }

  #log(level: Level, first: unknown, rest: readonly unknown[]): void {
    const take = takerOf(this.#name, level, this.#own === undefined ? undefined : severityOf(this.#own))
    if (take !== undefined) enter(level, this.#name, () => this.#told(first, rest), take, this[level])
  }

  #told(first: unknown, rest: readonly unknown[]): Told {
    const { msg, fields, err } = readArguments(first, rest)
    const own = fields === undefined ? undefined : serialized(fields, this.serializers)
    const all = this.#bindings === undefined ? own : { ...this.#bindings, ...own }
    return { msg: msg === '' && isError(err) ? err.message : msg, fields: all, err }
  }
}

/**
 * Our logger for Fastify: `Fastify({ loggerInstance: fastifyLogger() })`, or `Fastify({ logger: fastifyLogger() })` of Fastify 4.
 *
 * `app.log` and `request.log` write under the logger name, with its level and appenders; a route's `logLevel` is respected. Throws
 * ERR_TRACELANE_OPTION_* for wrong options.
 */
export function fastifyLogger(options: FastifyLoggerOptions = {}): FastifyLogger {
  checkOptions('fastifyLogger', options, { logger: rules.string, serializers: serializerMap })
  return new FastifyLogger(options.logger ?? 'fastify', options.serializers ?? {})
}

/* A word that is none of our levels, which the types allow, is as good as `info`. */
function levelNamed(level: string): Level | typeof SILENT {
  return level === SILENT ? SILENT : (LEVELS.find((known) => known === level) ?? 'info')
}

function severityOf(level: Level | typeof SILENT): number {
  return level === SILENT ? SEVERITY.off : SEVERITY[level]
}

function serialized(fields: Fields, serializers: Readonly<Record<string, Serializer>>): Fields {
  let changed: Record<string, unknown> | undefined
  for (const key of Object.keys(fields)) {
    const serializer = Object.hasOwn(serializers, key) ? serializers[key] : undefined
    if (serializer === undefined) continue
    changed ??= { ...fields }
    changed[key] = serializedBy(serializer, fields[key])
  }
  return changed ?? fields
}

function serializedBy(serializer: Serializer, value: unknown): unknown {
  try {
    return serializer(value as never)
  } catch (error) {
    counters.valuesReplaced++
    return `[serializer threw: ${reasonOf(error)}]`
  }
}
