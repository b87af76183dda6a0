import type { AsyncAppenderOptions } from '../appender'
import { SEVERITY, type Threshold } from '../event'
import { readSink } from '../sinks'
import { levelOfEnvironment, levelsOfEnvironment, serviceOfEnvironment } from './environment'
import { attachAppenders, clearHierarchy, nodeOf, ROOT_NAME, setNodeLevel } from './hierarchy'
import type { AppenderDefinition, NamedAppender } from './named-appender'
import type { LoggerOptions, LoggingOptions } from './options'
import { defaultAppender, ROOT_APPENDER } from './output'

/** What `configure` is going to set up, complete and checked: nothing is changed before there is one. */
export interface Plan {
  readonly definitions: readonly AppenderDefinition[]
  /** By the name of the logger, the root among them; one that is in here is mentioned by somebody. */
  readonly loggers: ReadonlyMap<string, LoggerOptions>
}

/**
 * The plan that `options`, which have been checked, make with the environment, which gives what they leave out.
 *
 * Throws ERR_TRACELANE_OPTION_* for sinks with wrong options, and for levels of the environment that do not exist.
 */
export function planOf(options: LoggingOptions): Plan {
  const { service = serviceOfEnvironment(), level, levels, sinks, appenders, loggers, root, ...queues } = options
  const definitions = Object.entries(appenders ?? {}).map(
    ([name, { sink, sinks: list, level: own, caller = false, ...special }]) =>
      definitionOf(name, sink === undefined ? (list ?? []) : [sink], own, { service, caller }, { ...queues, ...special }),
  )
  const rootAppenders = [...(root?.appenders ?? [])]
  if (sinks !== undefined || appenders === undefined) {
    const ofRoot = sinks ?? defaultAppender().sinks
    definitions.unshift(definitionOf(ROOT_APPENDER, ofRoot, undefined, { service, caller: false }, queues))
    rootAppenders.unshift(ROOT_APPENDER)
  }
  const rootLevel = level ?? root?.level ?? levelOfEnvironment() ?? 'info'
  const all = new Map<string, LoggerOptions>([[ROOT_NAME, { level: rootLevel, appenders: rootAppenders }]])
  for (const [name, own] of Object.entries({ ...levelsOfEnvironment(), ...levels })) all.set(name, { level: own })
  for (const [name, own] of Object.entries(loggers ?? {})) all.set(name, { ...all.get(name), ...own })
  return { definitions, loggers: all }
}

function definitionOf(
  name: string,
  sinks: AppenderDefinition['sinks'],
  level: Threshold = 'all',
  origin: AppenderDefinition['origin'],
  options: AsyncAppenderOptions,
): AppenderDefinition {
  return { name, sinks: sinks.map(readSink), threshold: SEVERITY[level], origin, options }
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
