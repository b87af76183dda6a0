import { attention, currentScope, type Scope } from '../context'
import { counters } from '../diagnostics'
import { type Caller, captureParts, type Level, type LogEvent, reasonOf, SEVERITY } from '../event'
import { probe } from '../internal/probe'
import { processWide } from '../internal/runtime'
import { isSimple, readArguments } from './arguments'
import { callerOf } from './caller'
import { startFromEnvironment } from './configure'
import { dispatch, type Taker, takerBelow } from './dispatch'
import { type LoggerNode, nodeOf, routesOf } from './hierarchy'
import { serializeError, serializeFields, serializers } from './serializers'

type Fields = Readonly<Record<string, unknown>>

/*
 * Constants of this file, because what another file exports is read through a getter: that made a disabled call ten times as dear. One for each level, because a
 * look by a level's name costs more than the rest of a disabled call as soon as an application uses two.
 */
const { trace: TRACE, debug: DEBUG, info: INFO, warn: WARN, error: ERROR, fatal: FATAL } = SEVERITY
const wanted = attention

/**
 * Writes log events under a hierarchical name.
 *
 * Each method takes `(msg, ...args)`, `(err, msg?, ...args)` or `(fields, msg?, ...args)`: placeholders such as `%s` consume
 * arguments first, then one plain object is fields and an Error is `err`. Nothing throws, and what is changed after the call does not change the line.
 */
export class Logger {
  /** The dotted name. */
  readonly name: string
  readonly #node: LoggerNode
  readonly #fields: Fields | undefined
  /* The scope whose trace its events have; undefined: that of the flow that logs. */
  readonly #scope: Scope | undefined

  /** Applications use `getLogger`. */
  constructor(node: LoggerNode, fields?: Fields, scope?: Scope) {
    this.name = node.name
    this.#node = node
    this.#fields = fields
    this.#scope = scope
  }

  trace(first: unknown, ...rest: unknown[]): void {
    if (rest.length > 1) this.#logAll('trace', TRACE, first, ...rest)
    else this.#log('trace', TRACE, first, rest.length, rest[0])
  }

  debug(first: unknown, ...rest: unknown[]): void {
    if (rest.length > 1) this.#logAll('debug', DEBUG, first, ...rest)
    else this.#log('debug', DEBUG, first, rest.length, rest[0])
  }

  info(first: unknown, ...rest: unknown[]): void {
    if (rest.length > 1) this.#logAll('info', INFO, first, ...rest)
    else this.#log('info', INFO, first, rest.length, rest[0])
  }

  warn(first: unknown, ...rest: unknown[]): void {
    if (rest.length > 1) this.#logAll('warn', WARN, first, ...rest)
    else this.#log('warn', WARN, first, rest.length, rest[0])
  }

  error(first: unknown, ...rest: unknown[]): void {
    if (rest.length > 1) this.#logAll('error', ERROR, first, ...rest)
    else this.#log('error', ERROR, first, rest.length, rest[0])
  }

  fatal(first: unknown, ...rest: unknown[]): void {
    if (rest.length > 1) this.#logAll('fatal', FATAL, first, ...rest)
    else this.#log('fatal', FATAL, first, rest.length, rest[0])
  }

  /** Whether a call at `level` would write anything, now or when its trace fails: for arguments that are dear to compute. */
  isEnabled(level: Level): boolean {
    const severity = SEVERITY[level]
    if (severity >= this.#node.effective) return true
    return severity >= wanted.lowest && takerBelow(severity, this.#node, this.#currentScope()) !== undefined
  }

  /** A logger of the same name that adds `fields` to each event; fields of a call win over them. */
  child(fields: Fields): Logger {
    return new Logger(this.#node, { ...this.#fields, ...fields }, this.#scope)
  }

  /* The compiler makes no array of what a method is called with, because all that is asked of it is its length, its first item and to hand it on. */
  #logAll(level: Level, severity: number, first: unknown, ...rest: unknown[]): void {
    this.#log(level, severity, first, rest.length, undefined, rest)
  }

  #log(level: Level, severity: number, first: unknown, count: number, second: unknown, rest?: readonly unknown[]): void {
    if (severity >= this.#node.effective) this.#say(level, first, count, second, rest, dispatch)
    else if (severity >= wanted.lowest) this.#sayBelow(level, severity, first, count, second, rest)
  }

  #sayBelow(
    level: Level,
    severity: number,
    first: unknown,
    count: number,
    second: unknown,
    rest: readonly unknown[] | undefined,
  ): void {
    const taker = takerBelow(severity, this.#node, this.#currentScope())
    if (taker !== undefined) this.#say(level, first, count, second, rest, taker)
  }

  #say(level: Level, first: unknown, count: number, second: unknown, rest: readonly unknown[] | undefined, take: Taker): void {
    if (probe.logCall !== undefined) probe.logCall(currentScope())
    const caller = routesOf(this.#node).caller ? callerOf(this[level]) : undefined
    const scope = this.#currentScope()
    try {
      if (isSimple(first, count, second)) {
        take(this.#capture(scope, level, first, second as Fields | undefined, undefined, caller), this.#node, scope)
        return
      }
      const { msg, fields, err } = readArguments(first, rest ?? (count === 0 ? [] : [second]))
      take(this.#capture(scope, level, msg, fields, err, caller), this.#node, scope)
    } catch (error) {
      // An object of the caller's threw while it was read (a proxy, say): the line says so in its place.
      counters.valuesReplaced++
      take(
        captureParts(scope, level, this.name, `[arguments threw: ${reasonOf(error)}]`, undefined, undefined, caller),
        this.#node,
        scope,
      )
    }
  }

  #capture(
    scope: Scope | undefined,
    level: Level,
    msg: string,
    fields: Fields | undefined,
    err: unknown,
    caller: Caller | undefined,
  ): LogEvent {
    const all = this.#fields === undefined ? fields : merged(this.#fields, fields)
    if (serializers.active === undefined) return captureParts(scope, level, this.name, msg, all, err, caller)
    return captureParts(scope, level, this.name, msg, serializeFields(all), serializeError(err), caller)
  }

  #currentScope(): Scope | undefined {
    const scope = currentScope()
    return this.#scope === undefined || scope?.root === this.#scope.root ? scope : this.#scope
  }
}

/* `over` wins. A getter that throws is read again, and told, by the layout: so what cannot be copied is handed on. */
function merged(base: Fields, over: Fields | undefined): Fields {
  if (over === undefined) return base
  try {
    return { ...base, ...over }
  } catch {
    return Object.defineProperties({ ...base }, Object.getOwnPropertyDescriptors(over))
  }
}

const loggers = processWide('loggers.1', () => new Map<string, Logger>())

/**
 * The logger called `name`: dotted, `orders.checkout` inherits the level of `orders`. The same name gives the same logger.
 *
 * Without `configure` it writes events of level info and above to stdout: for people on a terminal, as JSON elsewhere.
 */
export function getLogger(name: string): Logger {
  const node = nodeOf(name)
  let logger = loggers.get(node.name)
  if (logger === undefined) {
    startFromEnvironment()
    logger = new Logger(node)
    loggers.set(node.name, logger)
  }
  return logger
}
