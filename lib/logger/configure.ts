import type { FlushResult } from '../appender'
import { checkOptions, rules } from '../internal/options'
import { dispatchIfEnabled } from './dispatch'
import { clearHierarchy, takeLevelsOfEnvironment } from './hierarchy'
import { forgetExpiries } from './levels'
import { checkLoggingOptions, type LoggingOptions } from './options'
import { appendersOf, flushOutput, replaceOutput } from './output'
import { applyPlan, planOf } from './plan'
import { tellOfRoutes } from './route-check'

/**
 * Sets up the loggers of this process. Callable again at any time: the lines of before are written to the sinks of before. An appender whose
 * name and options stay the same goes on as it is.
 *
 * Resolves, when those lines are written, with counts of the set-up of before. Throws ERR_TRACELANE_OPTION_* at once, and changes nothing,
 * for wrong options. Says on stderr if a line would reach one sink twice, or a logger reaches none.
 */
export function configure(options: LoggingOptions = {}): Promise<FlushResult> {
  checkLoggingOptions('configure', options)
  const plan = planOf(options)
  const appenders = appendersOf(plan.definitions)
  const replaced = replaceOutput(appenders, dispatchIfEnabled)
  forgetExpiries()
  applyPlan(plan, appenders)
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
  return flushOutput(options.deadlineMs)
}

/**
 * Writes everything logged so far, ends the flush threads and resolves with counts. A later log call begins anew, with the console
 * and the levels of the environment.
 */
export function close(): Promise<FlushResult> {
  const closed = replaceOutput(undefined, dispatchIfEnabled)
  forgetExpiries()
  clearHierarchy()
  takeLevelsOfEnvironment()
  return closed
}
