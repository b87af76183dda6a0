import { runOutside } from '../context'
import { workerThreads } from '../internal/builtin'
import { askToReopen, type FileSinkSpec, type SinkSpec } from '../sinks'

/**
 * Has files opened anew at the signals that their sinks name, until the returned function is called. Signals reach the main thread only; a listener keeps no
 * process alive.
 */
export function reopenOnSignals(sinks: readonly SinkSpec[]): () => void {
  const bySignal = new Map<NodeJS.Signals, SharedArrayBuffer[]>()
  for (const { options, shared } of sinks.flatMap(filesIn)) {
    const { reopenOnSignal: signal } = options
    if (signal === undefined || shared === undefined) continue
    bySignal.set(signal, [...(bySignal.get(signal) ?? []), shared])
  }
  if (!workerThreads().isMainThread || process.platform === 'win32') return () => {}
  const listeners = [...bySignal].map(([signal, files]) => {
    const listener = (): void => files.forEach(askToReopen)
    // Outside the flow that configured: listeners of one signal run in the flow of the first.
    runOutside(() => process.on(signal, listener))
    return () => process.removeListener(signal, listener)
  })
  return () => {
    for (const remove of listeners) remove()
  }
}

/* The file sinks in a sink, which may be inside others, that are data too. */
function filesIn(value: unknown): FileSinkSpec[] {
  if (typeof value !== 'object' || value === null || value instanceof SharedArrayBuffer) return []
  if ((value as { kind?: unknown }).kind === 'file') return [value as FileSinkSpec]
  return Object.values(value).flatMap(filesIn)
}
