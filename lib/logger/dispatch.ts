import { attention, currentScope, overriddenSeverity, type Scope } from '../context'
import { counters } from '../diagnostics'
import { divertedTo, enterTask, hasOpenTasks, type LogEvent, nextSequence, SEVERITY } from '../event'
import { knownNode, type LoggerNode, nodeOf, routesOf } from './hierarchy'
import type { NamedAppender } from './named-appender'
import { beginOutput, hasOutput } from './output'
import { volume } from './volume'
import { leftOut } from './volume-control'

/**
 * Takes an event whose level has been checked: what filters, sampling and budgets leave of it goes to its appenders (`scope` is where it was said, by default that of now); while a test captures
 * events, all go to that test.
 */
export function dispatch(event: LogEvent, node: LoggerNode = nodeOf(event.logger), scope?: Scope): void {
  const taker = divertedTo()
  if (taker !== undefined) {
    taker(event)
    return
  }
  const { control } = volume
  const admitted = control === undefined ? event : control.admitted(event, scope ?? currentScope())
  if (admitted !== undefined) deliver(admitted, node)
}

/**
 * Gives an event to the appenders of its logger and of all above it up to one that is not additive.
 *
 * Until `configure` is called the root has an appender to the console. An event that no appender takes is counted and has no `seq`.
 */
export function deliver(event: LogEvent, node: LoggerNode = knownNode(event.logger)): void {
  if (!hasOutput()) beginOutput(dispatchIfEnabled)
  const { appenders, lowest, filtering } = routesOf(node)
  const severity = SEVERITY[event.level]
  if (severity < lowest) {
    counters.eventsUnrouted++
    return
  }
  // Before it gets its number, because a number that is on no line is a line that was lost.
  const takers = filtering ? appenders.filter((one) => severity >= one.threshold && one.lets(event)) : appenders
  if (takers.length === 0) return
  const seq = nextSequence()
  if (hasOpenTasks()) enterTask(event, seq, () => appendToAll(takers, event, severity, seq))
  else appendToAll(takers, event, severity, seq)
}

/** `deliver`, if the level of the logger lets the event pass. */
export function deliverIfEnabled(event: LogEvent): void {
  const node = knownNode(event.logger)
  if (SEVERITY[event.level] >= node.effective) deliver(event, node)
}

function appendToAll(appenders: readonly NamedAppender[], event: LogEvent, severity: number, seq: number): void {
  for (const appender of appenders) if (severity >= appender.threshold) appender.append(event, seq)
}

/** Takes an event of the logger of a node, said in a scope. */
export type Taker = (event: LogEvent, node: LoggerNode, scope: Scope | undefined) => void

/**
 * Who takes an event of `severity` that the level of `node` does not let pass: a trace that has a level of its own has it written, the
 * flight recorder keeps it; undefined: nobody. A logger that is off stays off.
 */
export function takerBelow(severity: number, node: LoggerNode, scope: Scope | undefined): Taker | undefined {
  if (node.effective >= SEVERITY.off || scope === undefined) return undefined
  if (severity >= overriddenSeverity(scope.root)) return dispatch
  return divertedTo() === undefined && volume.control?.records(severity) ? keep : undefined
}

function keep(event: LogEvent, _node: LoggerNode, scope: Scope | undefined): void {
  volume.control?.keep(event, scope)
}

/**
 * Takes an event of another logger, whose own level has let it pass (`scope` is where it was said). While there is a flight recorder the level of
 * the node decides too, so that the other logger can be set to debug for its sake: what is below is kept, not written; of a trace that is not
 * known here it is left out and counted.
 */
export function dispatchOther(event: LogEvent, node: LoggerNode, scope: Scope | undefined = currentScope()): void {
  const severity = SEVERITY[event.level]
  if (severity >= node.effective || volume.control?.isRecording !== true || divertedTo() !== undefined) {
    dispatch(event, node, scope)
    return
  }
  const own = scope?.context.traceId === event.traceId ? scope : undefined
  const taker = takerBelow(severity, node, own)
  if (taker === undefined) leftOut('level', event)
  else taker(event, node, own)
}

/** Gives an event that the kit itself made, the end of a span, to its logger's appenders if the logger's level lets it pass. */
export function dispatchIfEnabled(event: LogEvent): void {
  // Who diverts events has them from the port itself.
  if (divertedTo() !== undefined) return
  const node = nodeOf(event.logger)
  const severity = SEVERITY[event.level]
  if (severity >= node.effective) dispatch(event, node)
  else if (severity >= attention.lowest) {
    const scope = currentScope()
    takerBelow(severity, node, scope)?.(event, node, scope)
  }
}
