import type { SinkLedger } from './ledger'
import type { QueueFull } from './listeners'
import type { ResolvedAppenderOptions } from './options'

/* Events of a full queue of which fewer than this have room are large. */
const FEW = 64

/** What is told of a queue that is full, and what seems to be the cause. */
export function fullOf({ destination, lagMs, inFlight, queuedBytes }: SinkLedger, options: ResolvedAppenderOptions): QueueFull {
  const { queueBytes, flushIntervalMs } = options
  const areLarge = queuedBytes / Math.max(inFlight, 1) > queueBytes / FEW
  const cause = areLarge ? 'large-events' : lagMs > 2 * flushIntervalMs ? 'slow-sink' : 'burst'
  return { destination, bytes: queuedBytes, events: inFlight, lagMs, cause }
}
