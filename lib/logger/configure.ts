import { resolve } from 'node:path'
import type { FlushResult } from '../appender'
import { complain } from '../diagnostics'
import type { LogEvent } from '../event'
import { checkOptions, rules } from '../internal/options'
import { processWide } from '../internal/runtime'
import { configureTargetedDebug } from '../targeted-debug'
import { ConfigFile } from './config-file'
import { deliver, deliverIfEnabled, dispatchIfEnabled } from './dispatch'
import { fileOfEnvironment } from './environment'
import { clearHierarchy, takeLevelsOfEnvironment } from './hierarchy'
import { forgetExpiries } from './levels'
import { checkLoggingOptions, type LoggingOptions } from './options'
import { appendersOf, flushOutput, replaceOutput } from './output'
import { applyPlan, type Plan, planOf } from './plan'
import { tellOfRoutes } from './route-check'
import { takeSerializers } from './serializers'
import { beginVolume, endVolume, volume } from './volume'

const OUTLET = { write: (event: LogEvent) => deliver(event), writeIfEnabled: deliverIfEnabled }

interface Start {
  /** Whether the loggers were set up once, by the program or from the environment. */
  done: boolean
  /** That of the options, which may be watched. */
  file: ConfigFile | undefined
}

const start = processWide<Start>('logger.start.1', () => ({ done: false, file: undefined }))

/**
 * Sets up the loggers of this process. Callable again at any time: the lines of before are written to the sinks of before. An appender whose
 * name and options stay the same goes on as it is.
 *
 * Resolves, when those lines are written, with counts of the set-up of before. Throws ERR_TRACELANE_OPTION_* or
 * ERR_TRACELANE_FILE_UNREADABLE at once, and changes nothing, for wrong options. Says on stderr if a line would reach one sink twice, or a
 * logger reaches none.
 */
export function configure(options: LoggingOptions = {}): Promise<FlushResult> {
  checkLoggingOptions('configure', options)
  const { file: path = fileOfEnvironment() } = options
  const file = path === undefined ? undefined : new ConfigFile(resolve(path))
  const inFile = file === undefined ? {} : readOptions(file)
  const replaced = setUp(planOf(options, inFile))
  takeSerializers(options.serializers)
  start.done = true
  start.file?.unwatch()
  start.file = file
  const { watchIntervalMs = inFile.watchIntervalMs ?? 0 } = options
  if (file !== undefined && watchIntervalMs > 0) file.watch(watchIntervalMs, () => reload(options, file))
  return replaced
}

/** Sets up the loggers from TRACELANE_CONFIG, if they were not set up before. A file that cannot be used is told, and changes nothing. */
export function startFromEnvironment(): void {
  if (start.done) return
  start.done = true
  if (fileOfEnvironment() === undefined) return
  try {
    void configure()
  } catch (error) {
    complain('environment', (error as Error).message)
  }
}

function readOptions(file: ConfigFile): LoggingOptions {
  const options = file.read()
  checkLoggingOptions(`the file ${file.path}`, options, 'file')
  return options
}

function reload(options: LoggingOptions, file: ConfigFile): void {
  try {
    void setUp(planOf(options, readOptions(file)))
  } catch (error) {
    complain('configuration-file', `${(error as Error).message}; the loggers stay as they are`)
  }
}

function setUp(plan: Plan): Promise<FlushResult> {
  const appenders = appendersOf(plan.definitions)
  endVolume(plan.volume)
  const replaced = replaceOutput(appenders, dispatchIfEnabled)
  forgetExpiries()
  applyPlan(plan, appenders)
  beginVolume(plan.volume, OUTLET)
  configureTargetedDebug(plan.volume.targetedDebug)
  tellOfRoutes(plan)
  return replaced
}

/**
 * Resolves with counts when everything logged so far is written, or at the deadline (default: `maxFlushTimeMs`).
 *
 * Not needed before the process ends: that drains by itself.
 */
export function flush(options: { readonly deadlineMs?: number } = {}): Promise<FlushResult> {
  checkOptions('flush', options, { deadlineMs: rules.integer(0, 600_000) })
  volume.control?.settle()
  return flushOutput(options.deadlineMs)
}

/**
 * Writes everything logged so far, ends the flush threads and resolves with counts. A later log call begins anew, with the console
 * and the levels of the environment.
 */
export function close(): Promise<FlushResult> {
  start.file?.unwatch()
  takeSerializers()
  endVolume()
  configureTargetedDebug()
  const closed = replaceOutput(undefined, dispatchIfEnabled)
  forgetExpiries()
  clearHierarchy()
  takeLevelsOfEnvironment()
  return closed
}
