import { complain, counters } from '../diagnostics'
import { workerThreads } from '../internal/builtin'
import { processWide } from '../internal/runtime'

/** Something with lines that must be written before the process ends. */
export interface Drainable {
  readonly maxFlushTimeMs: number
  /** Writes what is left, blocking this thread up to `deadlineMs`; returns how many events are still not written. */
  drain(deadlineMs: number): number
}

/*
 * The one place that hooks the process.
 *
 *   natural end, process.exit(), uncaught exception, unhandled rejection ──▶ 'exit' ──▶ drain
 *   SIGTERM, SIGINT, SIGHUP ──▶ drain ──┬─ the application listens too: it decides what comes next
 *                                       └─ only we listen: end with that signal, as without us
 *
 * The hooks are there only while something is guarded, once in a process: the copy of the kit that guards first sets them, the one
 * that ends last takes them away.
 */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

interface Guard {
  readonly guarded: Set<Drainable>
  unhook: () => void
}

const guard = processWide<Guard>('exit-guard.1', () => ({ guarded: new Set(), unhook: () => {} }))
const { guarded } = guard

/** Drains `drainable` before the process ends; the returned function ends that. */
export function guardExit(drainable: Drainable): () => void {
  if (guarded.size === 0) hook()
  guarded.add(drainable)
  return () => {
    if (guarded.delete(drainable) && guarded.size === 0) guard.unhook()
  }
}

function hook(): void {
  process.on('exit', onExit)
  if (workerThreads().isMainThread) for (const signal of SIGNALS) process.on(signal, onSignal)
  guard.unhook = () => {
    process.removeListener('exit', onExit)
    for (const signal of SIGNALS) process.removeListener(signal, onSignal)
  }
}

function drainAll(): number {
  let left = 0
  const start = Date.now()
  for (const drainable of guarded) left += drainable.drain(Math.max(drainable.maxFlushTimeMs - (Date.now() - start), 0))
  return left
}

function onExit(): void {
  const left = drainAll()
  if (left === 0) return
  counters.eventsUnwritten += left
  complain('exit', `${left} events were not written before the process ended`)
}

function onSignal(signal: NodeJS.Signals): void {
  drainAll()
  if (process.listenerCount(signal) > 1) return
  // Re-raised without our listener, so that the default action, and with it the exit status, is that of the signal.
  guard.unhook()
  process.kill(process.pid, signal)
}
