import { AsyncAppender, type FlushResult } from '../appender'
import { divertedTo, enterTask, hasOpenTasks, type LogEvent, nextSequence, SEVERITY, subscribeEvents } from '../event'
import { processWide } from '../internal/runtime'
import { consoleSink } from '../sinks'
import { serviceOfEnvironment } from './environment'
import { nodeOf } from './hierarchy'

interface Output {
  appender: AsyncAppender | undefined
  unsubscribe: (() => void) | undefined
}

/* What all loggers of the process write to. */
const output: Output = processWide('logger.output.1', () => ({ appender: undefined, unsubscribe: undefined }))

const NOTHING: FlushResult = Object.freeze({ delivered: 0, discarded: 0, failed: 0, pending: 0 })

/**
 * Gives an event to the appender, which is one to the console until `configure` says otherwise; while a test captures events, to
 * that test.
 */
export function dispatch(event: LogEvent): void {
  const taker = divertedTo()
  if (taker !== undefined) {
    taker(event)
    return
  }
  if (output.appender === undefined) void replaceAppender(new AsyncAppender([consoleSink()], { service: serviceOfEnvironment() }))
  const seq = nextSequence()
  if (hasOpenTasks()) enterTask(event, seq, () => output.appender?.append(event, seq))
  else output.appender?.append(event, seq)
}

/**
 * Puts `appender` (undefined: none) in the place of the one before, which is then drained and closed in the background.
 *
 * As long as there is one, the events that the kit itself makes, the ends of spans, are written too.
 */
export function replaceAppender(appender: AsyncAppender | undefined): Promise<FlushResult> {
  const before = output.appender
  output.appender = appender
  output.unsubscribe?.()
  output.unsubscribe = appender === undefined ? undefined : subscribeEvents({ onEvent: dispatchIfEnabled })
  return before?.close() ?? Promise.resolve(NOTHING)
}

/** See `AsyncAppender.flush`. */
export function flushAppender(deadlineMs?: number): Promise<FlushResult> {
  return output.appender?.flush(deadlineMs) ?? Promise.resolve(NOTHING)
}

function dispatchIfEnabled(event: LogEvent): void {
  // Who diverts events has them from the port itself.
  if (divertedTo() !== undefined) return
  if (SEVERITY[event.level] >= nodeOf(event.logger).effective) dispatch(event)
}
