import type { AppenderLedger, FlushResult } from '../appender'
import { type LogEvent, SEVERITY, subscribeEvents } from '../event'
import { processWide } from '../internal/runtime'
import { consoleSink } from '../sinks'
import { serviceOfEnvironment } from './environment'
import { attachAppenders, rootNode } from './hierarchy'
import { type AppenderDefinition, NamedAppender } from './named-appender'

interface Output {
  /** By name; undefined before the first event and after `close`. */
  appenders: ReadonlyMap<string, NamedAppender> | undefined
  unsubscribe: (() => void) | undefined
}

/* What all loggers of the process write to. */
const output: Output = processWide('logger.output.1', () => ({ appenders: undefined, unsubscribe: undefined }))

/** The name of the appender that the option `sinks` makes; no other can have it. */
export const ROOT_APPENDER = ''

/** The appender of the root, as it is without any configuration. */
export function defaultAppender(): AppenderDefinition {
  return {
    name: ROOT_APPENDER,
    sinks: [consoleSink()],
    threshold: SEVERITY.all,
    filters: [],
    origin: { service: serviceOfEnvironment(), caller: false, redaction: true },
    options: {},
  }
}

/** Whether there is anything to write to. */
export function hasOutput(): boolean {
  return output.appenders !== undefined
}

/** Gives the root its appender to the console, for the first event of a process that has not configured anything. */
export function beginOutput(onEvent: (event: LogEvent) => void): void {
  const appender = new NamedAppender(defaultAppender())
  void replaceOutput(new Map([[ROOT_APPENDER, appender]]), onEvent)
  attachAppenders(rootNode, [appender])
}

/**
 * The appenders of `definitions`, by name, to be put in the place of those that there are. One whose definition is that of the
 * appender of its name stays what it is.
 */
export function appendersOf(definitions: readonly AppenderDefinition[]): Map<string, NamedAppender> {
  return new Map(
    definitions.map((definition) => {
      const known = output.appenders?.get(definition.name)
      return [definition.name, known?.is(definition) ? known : new NamedAppender(definition)]
    }),
  )
}

/**
 * Puts `appenders` (undefined: none) in the place of those before. Those that do not stay are drained and closed in the background.
 *
 * As long as there are any, the events that the kit itself makes, the ends of spans, are given to `onEvent`. Resolves with counts of all
 * that there were, when everything that they were given before is written.
 */
export function replaceOutput(
  appenders: ReadonlyMap<string, NamedAppender> | undefined,
  onEvent: (event: LogEvent) => void,
): Promise<FlushResult> {
  const before = [...(output.appenders?.values() ?? [])]
  const staying = new Set(appenders?.values())
  output.appenders = appenders
  output.unsubscribe?.()
  output.unsubscribe = appenders === undefined ? undefined : subscribeEvents({ onEvent })
  return sumOf(before.map((appender) => (staying.has(appender) ? appender.flush() : appender.close())))
}

/** See `AsyncAppender.flush`. */
export function flushOutput(deadlineMs?: number): Promise<FlushResult> {
  return sumOf([...(output.appenders?.values() ?? [])].map((appender) => appender.flush(deadlineMs)))
}

/**
 * The accounts of all appenders and their sinks, as they are now: what came in, what the destinations have, what was lost and why. See
 * `SinkLedger` for the equation that holds; `prometheusText` writes them for Prometheus.
 */
export function ledger(): AppenderLedger[] {
  return [...(output.appenders?.values() ?? [])].map((appender) => appender.ledger())
}

/** Blocks this thread until everything logged so far is written, at most `maxFlushTimeMs` for each appender. */
export function drainOutput(): void {
  for (const appender of output.appenders?.values() ?? []) appender.drain()
}

async function sumOf(results: readonly Promise<FlushResult>[]): Promise<FlushResult> {
  const total = { delivered: 0, discarded: 0, failed: 0, pending: 0 }
  for (const { delivered, discarded, failed, pending } of await Promise.all(results)) {
    total.delivered += delivered
    total.discarded += discarded
    total.failed += failed
    total.pending += pending
  }
  return total
}
