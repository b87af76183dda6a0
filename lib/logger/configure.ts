import { AsyncAppender, type AsyncAppenderOptions, appenderRules, type FlushResult } from '../appender'
import { isThreshold, SEVERITY, type Threshold } from '../event'
import { checkOptions, type Rule, rules } from '../internal/options'
import { consoleSink, type SinkSpec } from '../sinks'
import { flushAppender, replaceAppender } from './dispatch'
import { levelOfEnvironment, serviceOfEnvironment } from './environment'
import { nodeOf, resetLevels, setLevel } from './hierarchy'

/** Options of `configure`: those of the appender, and these. */
export interface LoggingOptions extends AsyncAppenderOptions {
  /**
   * The name of this service, on each line.
   * @default the environment's TRACELANE_SERVICE, else none
   */
  readonly service?: string
  /**
   * The level of the root: events below it are not written.
   * @default the environment's TRACELANE_LEVEL, else 'info'
   */
  readonly level?: Threshold
  /** Levels of loggers by name; a name passes its level on to those below it, `{ 'orders.db': 'debug' }`. */
  readonly levels?: Readonly<Record<string, Threshold>>
  /**
   * Where lines go: what `consoleSink` and `fileSink` return.
   * @default [consoleSink()]
   */
  readonly sinks?: readonly SinkSpec[]
}

const threshold: Rule = (value) => (isThreshold(value) ? undefined : (rules.oneOf(...Object.keys(SEVERITY))('') as string))
const thresholds: Rule = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every(isThreshold)
    ? undefined
    : 'an object of levels by logger name'
const sinkList: Rule = (value) =>
  Array.isArray(value) && value.length > 0 && value.every(isSink)
    ? undefined
    : 'a list of sinks, as consoleSink() or fileSink() return them'

/**
 * Sets up the loggers of this process. Callable again at any time: the lines of before are written to the sinks of before.
 *
 * Resolves, when those are written and closed, with counts of the replaced set-up. Throws ERR_TRACELANE_OPTION_* at once, and changes nothing, for wrong options.
 */
export function configure(options: LoggingOptions = {}): Promise<FlushResult> {
  checkOptions('configure', options, {
    service: rules.string,
    level: threshold,
    levels: thresholds,
    sinks: sinkList,
    ...appenderRules,
  })
  const {
    service = serviceOfEnvironment(),
    level = levelOfEnvironment(),
    levels = {},
    sinks = [consoleSink()],
    ...appender
  } = options
  const replaced = replaceAppender(new AsyncAppender(sinks, { service }, appender))
  resetLevels(level)
  for (const [name, own] of Object.entries(levels)) setLevel(nodeOf(name), own)
  return replaced
}

/**
 * Resolves with counts when everything logged so far is written, or at the deadline (default: `maxFlushTimeMs`).
 *
 * Not needed before the process ends: that drains by itself.
 */
export function flush(options: { readonly deadlineMs?: number } = {}): Promise<FlushResult> {
  checkOptions('flush', options, { deadlineMs: rules.integer(0, 600_000) })
  return flushAppender(options.deadlineMs)
}

/**
 * Writes everything logged so far, ends the flush threads and resolves with counts. A later log call begins anew, with the console
 * and the level of the environment.
 */
export function close(): Promise<FlushResult> {
  const closed = replaceAppender(undefined)
  resetLevels()
  return closed
}

function isSink(value: unknown): boolean {
  const kind: unknown = (value as { kind?: unknown } | null)?.kind
  return kind === 'console' || kind === 'file'
}
