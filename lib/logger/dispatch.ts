import { counters } from '../diagnostics'
import { divertedTo, enterTask, hasOpenTasks, type LogEvent, nextSequence, SEVERITY } from '../event'
import { type LoggerNode, nodeOf, routesOf } from './hierarchy'
import type { NamedAppender } from './named-appender'
import { beginOutput, hasOutput } from './output'

/**
 * Gives an event, whose level has been checked, to the appenders of its logger and of all above it up to one that is not additive; while
 * a test captures events, to that test.
 *
 * Until `configure` is called the root has an appender to the console. An event that no appender takes is counted and has no `seq`.
 */
export function dispatch(event: LogEvent, node: LoggerNode = nodeOf(event.logger)): void {
  const taker = divertedTo()
  if (taker !== undefined) {
    taker(event)
    return
  }
  if (!hasOutput()) beginOutput(dispatchIfEnabled)
  const { appenders, lowest } = routesOf(node)
  const severity = SEVERITY[event.level]
  if (severity < lowest) {
    counters.eventsUnrouted++
    return
  }
  const seq = nextSequence()
  if (hasOpenTasks()) enterTask(event, seq, () => appendToAll(appenders, event, severity, seq))
  else appendToAll(appenders, event, severity, seq)
}

function appendToAll(appenders: readonly NamedAppender[], event: LogEvent, severity: number, seq: number): void {
  for (const appender of appenders) if (severity >= appender.threshold) appender.append(event, seq)
}

/** Gives an event that the kit itself made, the end of a span, to its logger's appenders if the logger's level lets it pass. */
export function dispatchIfEnabled(event: LogEvent): void {
  // Who diverts events has them from the port itself.
  if (divertedTo() !== undefined) return
  const node = nodeOf(event.logger)
  if (SEVERITY[event.level] >= node.effective) dispatch(event, node)
}
