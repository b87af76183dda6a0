import { type AsyncAppenderOptions, appenderRules } from '../appender'
import { TracelaneError } from '../errors'
import { isThreshold, SEVERITY, type Threshold } from '../event'
import { checkFilters, type FilterSpec } from '../filter'
import { checkOptions, type Rule, rules } from '../internal/options'
import { compileRedaction, type Redaction } from '../redaction'
import { type SinkSpec, sinkRule } from '../sinks'
import type { Serializers } from './serializers'
import { checkVolume, type VolumeOptions, volumeRules } from './volume-options'

/** Options of one appender: those of its queues, and these. */
export interface AppenderOptions extends AsyncAppenderOptions {
  /** Where its lines go: what `consoleSink` and `fileSink` return. */
  readonly sinks?: readonly SinkSpec[]
  /** The same for one sink alone; give either. */
  readonly sink?: SinkSpec
  /**
   * Events below this level are not taken, whatever logger they come from.
   * @default 'all'
   */
  readonly level?: Threshold
  /**
   * Asked in order about each event that it would take; the first that is not neutral decides.
   * @default []
   */
  readonly filters?: readonly FilterSpec[]
  /**
   * Whether lines have `caller: { file, line, function }`, where in the source the log call is. It costs several microseconds for each event of
   * the loggers that this appender is attached to.
   * @default that of `configure`
   */
  readonly caller?: boolean
}

/** Options of one logger, by its name among `loggers`. */
export interface LoggerOptions {
  /**
   * Events below it are not written. It holds for the loggers below too, until one has its own.
   * @default that of the logger above
   */
  readonly level?: Threshold
  /**
   * Names of `appenders` that get the events of this logger and of those below.
   * @default []
   */
  readonly appenders?: readonly string[]
  /**
   * Whether events go on to the appenders of the loggers above, whatever their levels.
   * @default true
   */
  readonly additivity?: boolean
}

/**
 * Options of `configure`: those of appenders, which are the defaults of each one, and these. What the program gives wins over the
 * environment, and that over the file; levels, loggers and appenders name by name.
 */
export interface LoggingOptions extends AsyncAppenderOptions, VolumeOptions {
  /**
   * A file of JSON with these options, functions and `file` itself excepted; a sink in it is `{ "kind": "file", "options": {...} }`.
   * @default the environment's TRACELANE_CONFIG, else none
   */
  readonly file?: string
  /**
   * How often to look whether the file has changed, in milliseconds from 50 to 86,400,000 (a day); 0 is never. When it has, the loggers are
   * set up anew; if it cannot be used they stay as they are, and stderr says why. May stand in the file.
   * @default 0
   */
  readonly watchIntervalMs?: number
  /**
   * The name of this service, on each line.
   * @default the environment's TRACELANE_SERVICE, else none
   */
  readonly service?: string
  /**
   * The level of the root: events below it are not written. Short for `root: { level }`.
   * @default the environment's TRACELANE_LEVEL, else 'info'
   */
  readonly level?: Threshold
  /**
   * Levels of loggers by name; a name passes its level on to those below it, `{ 'orders.db': 'debug' }`. Short for
   * `loggers: { [name]: { level } }`.
   * @default the environment's TRACELANE_LEVELS, `orders.db=debug,orders.cart=warn`
   */
  readonly levels?: Readonly<Record<string, Threshold>>
  /**
   * Where the lines of all loggers go: what `consoleSink` and `fileSink` return. Short for one appender of the root.
   * @default [consoleSink()], if there are no `appenders`
   */
  readonly sinks?: readonly SinkSpec[]
  /**
   * Whether the lines of `sinks`, and of each appender that does not say otherwise, have `caller`; see there.
   * @default false
   */
  readonly caller?: boolean
  /**
   * What is written in the place of a field's value, by the name of the field: functions that are called inside the log call, also for the fields
   * of child loggers; `err` gets the error of a call. Undefined leaves the field out; one that throws is replaced by a note. Not in a file.
   */
  readonly serializers?: Serializers
  /**
   * What is secret and must be in no line, and what is written in its place; `false` writes everything.
   * @default true: the values of the default list of keys, and secrets in texts, are replaced by `[redacted]`
   */
  readonly redaction?: Redaction
  /** Appenders by name. One gets events when a logger, or the root, names it. */
  readonly appenders?: Readonly<Record<string, AppenderOptions>>
  /** Loggers by name. */
  readonly loggers?: Readonly<Record<string, LoggerOptions>>
  /** The root, which all loggers are below. */
  readonly root?: Omit<LoggerOptions, 'additivity'>
}

const threshold: Rule = (value) => (isThreshold(value) ? undefined : (rules.oneOf(...Object.keys(SEVERITY))('') as string))
const thresholds: Rule = (value) =>
  isRecord(value) && Object.values(value).every(isThreshold) ? undefined : 'an object of levels by logger name'
const sinkList: Rule = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => sinkRule(one) === undefined)
    ? undefined
    : 'a list of sinks, as consoleSink() or fileSink() return them'
const names: Rule = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string') ? undefined : 'a list of names of appenders'
const redactionOption: Rule = (value) =>
  typeof value === 'boolean' || isRecord(value) ? undefined : 'true, false or an object of options'
const record: Rule = (value) => (isRecord(value) ? undefined : 'an object of options by name')

const functions: Rule = (value) =>
  isRecord(value) && Object.values(value).every((one) => typeof one === 'function')
    ? undefined
    : 'an object of functions by name of field'

const ROOT = { level: threshold, appenders: names }
const LOGGER = { ...ROOT, additivity: rules.boolean }
const APPENDER = {
  sinks: sinkList,
  sink: sinkRule,
  level: threshold,
  filters: volumeRules.filters,
  caller: rules.boolean,
  ...appenderRules,
}
const watchInterval: Rule = (value) =>
  value === 0 ? undefined : rules.integer(50, 86_400_000)(value) && '0 or an integer from 50 to 86400000'
const LOGGING = {
  file: rules.string,
  watchIntervalMs: watchInterval,
  service: rules.string,
  level: threshold,
  levels: thresholds,
  sinks: sinkList,
  caller: rules.boolean,
  serializers: functions,
  redaction: redactionOption,
  appenders: record,
  loggers: record,
  root: record,
  ...volumeRules,
  ...appenderRules,
}

/** Throws ERR_TRACELANE_OPTION_* for options that are wrong in themselves. `owner` is named in the message, `without` is not allowed. */
export function checkLoggingOptions(owner: string, options: LoggingOptions, without?: keyof LoggingOptions): void {
  const known = Object.fromEntries(Object.entries(LOGGING).filter(([name]) => name !== without))
  checkOptions(owner, options, known)
  compileRedaction(options.redaction)
  checkVolume(owner, options)
  const { level, levels, root, appenders = {}, loggers = {} } = options
  for (const [name, appender] of Object.entries(appenders)) checkAppender(`${owner}: appender '${name}'`, appender)
  checkOptions(`${owner}: root`, root, ROOT)
  for (const [name, logger] of Object.entries(loggers)) {
    checkOptions(`${owner}: logger '${name}'`, logger, LOGGER)
    if (logger.level !== undefined && levels?.[name] !== undefined) {
      throw wrong(`${owner} has two levels for logger '${name}': in 'levels' and in 'loggers'`)
    }
  }
  if (level !== undefined && root?.level !== undefined)
    throw wrong(`${owner} has two levels for the root: 'level' and 'root.level'`)
}

function checkAppender(owner: string, options: AppenderOptions): void {
  checkOptions(owner, options, APPENDER)
  if (options.filters !== undefined) checkFilters(`${owner}: filters`, options.filters)
  if ((options.sinks === undefined) === (options.sink === undefined)) {
    throw wrong(`${owner} needs either 'sinks', a list, or 'sink'`)
  }
}

/** Throws ERR_TRACELANE_OPTION_INVALID if the logger called `owner` names an appender that is not among `known`. */
export function checkAppenderNames(owner: string, names: readonly string[], known: readonly string[]): void {
  const stranger = names.find((name) => !known.includes(name))
  if (stranger === undefined) return
  const all = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`
  throw wrong(`configure: ${owner} names the appender '${stranger}', which is not among 'appenders': ${all}`)
}

function wrong(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', detail)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
