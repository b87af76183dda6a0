import { runOutside } from '../context'
import { complain, counters } from '../diagnostics'
import { workerThreads } from '../internal/builtin'
import { processWide } from '../internal/runtime'

/** Something with lines that must be written before the process ends. */
export interface Drainable {
  readonly maxFlushTimeMs: number
  /** Whether signals drain it; if nobody wants that, we do not listen to them. */
  readonly drainOnSignals: boolean
  /** Writes what is left, blocking this thread up to `deadlineMs`; returns how many events are still not written. */
  drain(deadlineMs: number): number
  /** The process ends now: keeps what is left for the next one, if it can; returns how many events are lost. */
  keepRest(): number
  /** Everything is drained, and the process ends now: at 'exit', or by the signal that is about to be raised again. */
  ended?(): void
}

/** Something that holds events back, and has them written when the process ends. Neither may throw. */
export interface Withholder {
  /** Appends what is still to be written, right before the appenders are drained. */
  ending(): void
  /** An exception that nobody caught is about to end the process, unless the application listens for those. */
  crashing(): void
}

/*
 * The one place that hooks the process.
 *
 *   uncaught exception, unhandled rejection ──▶ 'uncaughtExceptionMonitor', which changes nothing about the end ──▶ crashing
 *   natural end, process.exit(), uncaught exception, unhandled rejection ──▶ 'exit' ──▶ drain
 *   SIGTERM, SIGINT, SIGHUP ──▶ drain ──┬─ the application listens too: it decides what comes next
 *                                       └─ only we listen: end with that signal, as without us
 *
 * We listen to signals before everybody else: a listener that was added by `once` is no longer there to be counted when it has run.
 * We hear 'exit' whenever it is our turn, so an appender that is given an event after that writes it at once (`endingSince`).
 *
 * The hooks are there only while something is guarded, once in a process: the copy of the kit that guards first sets them, the one
 * that ends last takes them away.
 */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

interface Guard {
  readonly guarded: Set<Drainable>
  readonly withholders: Set<Withholder>
  unhook: () => void
  hearsSignals: boolean
  endingSince: number | undefined
}

const guard = processWide<Guard>('exit-guard.3', () => ({
  guarded: new Set(),
  withholders: new Set(),
  unhook: () => {},
  hearsSignals: false,
  endingSince: undefined,
}))
const { guarded, withholders } = guard

/** Drains `drainable` before the process ends; the returned function ends that. */
export function guardExit(drainable: Drainable): () => void {
  // Outside the flow that happens to log first: signal listeners, the application's too, run in the flow in which the first was added.
  if (guarded.size === 0) runOutside(hook)
  guarded.add(drainable)
  if (drainable.drainOnSignals && !guard.hearsSignals) runOutside(hookSignals)
  // The first event of the process may come from an 'exit' listener.
  if ((process as { _exiting?: boolean })._exiting === true) guard.endingSince ??= Date.now()
  return () => {
    if (guarded.delete(drainable) && guarded.size === 0) guard.unhook()
  }
}

/** Asks `withholder` for its events before the process ends; the returned function ends that. */
export function guardWithheld(withholder: Withholder): () => void {
  if (withholders.size === 0) runOutside(() => process.on('uncaughtExceptionMonitor', onCrash))
  withholders.add(withholder)
  return () => {
    if (withholders.delete(withholder) && withholders.size === 0) process.removeListener('uncaughtExceptionMonitor', onCrash)
  }
}

/** When 'exit' was heard (ms since the epoch); undefined before. What is appended after it must be written at once. */
export function endingSince(): number | undefined {
  return guard.endingSince
}

function hook(): void {
  process.on('exit', onExit)
  guard.unhook = () => {
    process.removeListener('exit', onExit)
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
    guard.hearsSignals = false
  }
}

function hookSignals(): void {
  guard.hearsSignals = true
  if (workerThreads().isMainThread) for (const signal of SIGNALS) process.prependListener(signal, onSignal)
}

function onCrash(): void {
  for (const withholder of withholders) withholder.crashing()
}

const all = (): boolean => true
const onSignals = ({ drainOnSignals }: Drainable): boolean => drainOnSignals

function drainAll(which: (drainable: Drainable) => boolean): number {
  for (const withholder of withholders) withholder.ending()
  let left = 0
  const start = Date.now()
  for (const drainable of guarded) {
    if (which(drainable)) left += drainable.drain(Math.max(drainable.maxFlushTimeMs - (Date.now() - start), 0))
  }
  return left
}

function onExit(): void {
  guard.endingSince ??= Date.now()
  report(drainAll(all), all)
}

function report(left: number, which: (drainable: Drainable) => boolean): void {
  let lost = 0
  if (left > 0) for (const drainable of guarded) if (which(drainable)) lost += drainable.keepRest()
  if (lost > 0) {
    counters.eventsUnwritten += lost
    complain('exit', `${lost} events were not written before the process ended`)
  }
  for (const drainable of guarded) drainable.ended?.()
}

function onSignal(signal: NodeJS.Signals): void {
  const left = drainAll(onSignals)
  if (process.listenerCount(signal) > 1) return
  report(left, onSignals)
  // Re-raised without our listener, so that the default action, and with it the exit status, is that of the signal. Nothing else is
  // unhooked, because process 1 of a container has no default action and lives on.
  process.removeListener(signal, onSignal)
  process.kill(process.pid, signal)
}
