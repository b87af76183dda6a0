import { type AsyncAppenderOptions, appenderRules, checkForSinks, resolveAppenderOptions } from '../appender'
import { SEVERITY, type Threshold } from '../event'
import { readSink } from '../sinks'
import { levelOfEnvironment, levelsOfEnvironment, serviceOfEnvironment } from './environment'
import { attachAppenders, clearHierarchy, nodeOf, ROOT_NAME, setNodeLevel } from './hierarchy'
import type { AppenderDefinition, NamedAppender } from './named-appender'
import { checkAppenderNames, type LoggerOptions, type LoggingOptions } from './options'
import { defaultAppender, ROOT_APPENDER } from './output'
import { copied, type VolumeOptions, volumeRules } from './volume-options'

/** What `configure` is going to set up, complete and checked: nothing is changed before there is one. */
export interface Plan {
  readonly definitions: readonly AppenderDefinition[]
  /** By the name of the logger, the root among them; one that is in here is mentioned by somebody. */
  readonly loggers: ReadonlyMap<string, LoggerOptions>
  readonly volume: VolumeOptions
}

/**
 * The plan that the options of the program and those of a file make with the environment. Both have been checked, each in itself.
 *
 * Throws ERR_TRACELANE_OPTION_* for sinks with wrong options, names of appenders that there are not, and levels of the environment that do
 * not exist.
 */
export function planOf(given: LoggingOptions, inFile: LoggingOptions): Plan {
  const definitions = definitionsOf(given, inFile)
  const loggers = loggersOf(given, inFile)
  const known = definitions.map(({ name }) => name).filter((name) => name !== ROOT_APPENDER)
  for (const [name, { appenders = [] }] of loggers) {
    checkAppenderNames(name === ROOT_NAME ? 'root' : `logger '${name}'`, appenders, known)
  }
  const root = loggers.get(ROOT_NAME)
  const withSinks = definitions.some(({ name }) => name === ROOT_APPENDER)
  if (withSinks) loggers.set(ROOT_NAME, { ...root, appenders: [ROOT_APPENDER, ...(root?.appenders ?? [])] })
  return { definitions, loggers, volume: volumeOf(over(inFile, given)) }
}

function definitionsOf(given: LoggingOptions, inFile: LoggingOptions): AppenderDefinition[] {
  const both = over(inFile, given)
  const service = given.service ?? serviceOfEnvironment() ?? inFile.service
  // A copy: what the application does to its object afterwards changes nothing.
  const redaction = structuredClone(both.redaction ?? true)
  const queues = queuesOf(both)
  const appenders = over(inFile.appenders ?? {}, given.appenders ?? {})
  const definitions = Object.entries(appenders).map(([name, options]) => {
    const { sink, sinks = [], level, filters = [], caller = both.caller ?? false } = options
    const list = sink === undefined ? sinks : [sink]
    const origin = { service, caller, redaction }
    return { ...definitionOf(name, list, level, origin, over(queues, queuesOf(options))), filters: copied(filters) }
  })
  if (both.sinks !== undefined || both.appenders === undefined) {
    const sinks = both.sinks ?? defaultAppender().sinks
    definitions.unshift(
      definitionOf(ROOT_APPENDER, sinks, undefined, { service, caller: both.caller ?? false, redaction }, queues),
    )
  }
  return definitions
}

function volumeOf(options: LoggingOptions): VolumeOptions {
  return Object.fromEntries(Object.keys(volumeRules).map((name) => [name, copied(options[name as keyof VolumeOptions])]))
}

function queuesOf(options: AsyncAppenderOptions): AsyncAppenderOptions {
  return Object.fromEntries(Object.keys(appenderRules).map((name) => [name, options[name as keyof AsyncAppenderOptions]]))
}

/* What TypeScript users cannot give by mistake, others can. */
type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined }

/* An option of undefined is one that was not given. */
function over<T extends object>(base: T, top: Loose<T>): T {
  return { ...base, ...Object.fromEntries(Object.entries(top).filter(([, value]) => value !== undefined)) }
}

function definitionOf(
  name: string,
  sinks: AppenderDefinition['sinks'],
  level: Threshold = 'all',
  origin: AppenderDefinition['origin'],
  options: AsyncAppenderOptions,
): AppenderDefinition {
  const owner = name === ROOT_APPENDER ? 'configure' : `configure: appender '${name}'`
  resolveAppenderOptions(options, owner)
  checkForSinks(owner, options, sinks)
  return { name, sinks: sinks.map(readSink), threshold: SEVERITY[level], filters: [], origin, options }
}

/* Whoever comes later wins. */
function loggersOf(given: LoggingOptions, inFile: LoggingOptions): Map<string, LoggerOptions> {
  const all = new Map<string, LoggerOptions>([[ROOT_NAME, { level: 'info' }]])
  const add = (name: string, options: LoggerOptions): void => {
    // `root` and the empty name are the root too.
    const known = nodeOf(name).name
    all.set(known, over(all.get(known) ?? {}, options))
  }
  const addAll = ({ level, levels = {}, loggers = {}, root = {} }: Loose<LoggingOptions>): void => {
    add(ROOT_NAME, over(root, { level }))
    for (const [name, own] of Object.entries(levels)) add(name, { level: own })
    for (const [name, options] of Object.entries(loggers)) add(name, options)
  }
  addAll(inFile)
  addAll({ level: levelOfEnvironment(), levels: levelsOfEnvironment() })
  addAll(given)
  return all
}

/** Gives the loggers of `plan`, and no others, their levels and appenders. */
export function applyPlan({ loggers }: Plan, appenders: ReadonlyMap<string, NamedAppender>): void {
  clearHierarchy()
  for (const [name, { level, appenders: names = [], additivity }] of loggers) {
    const node = nodeOf(name)
    if (level !== undefined) setNodeLevel(node, level)
    // Twice at one logger is once, as in logback.
    attachAppenders(
      node,
      [...new Set(names)].map((one) => appenders.get(one) as NamedAppender),
      additivity,
    )
  }
}
