import { resolveSending, type SendingOptions } from '../sending-options'
import type { SinkSpec } from '../sink'
import { isNetworkSink, leavesOf } from './structure'
import { wrong } from './wrong'

/** How batches for `spec`, a decorator, are made: so that each sink below it gets what it wants, the smallest bounds and the longest wait. */
export function sendingOf(spec: SinkSpec): Required<SendingOptions> {
  const [first, ...others] = leavesOf(spec).flatMap((leaf) => (isNetworkSink(leaf) ? [resolveSending(leaf.options)] : []))
  if (first === undefined) return resolveSending()
  return others.reduce(
    (joined, one) => ({
      maxBatchEvents: Math.min(joined.maxBatchEvents, one.maxBatchEvents),
      maxBatchBytes: Math.min(joined.maxBatchBytes, one.maxBatchBytes),
      lingerMs: Math.max(joined.lingerMs, one.lingerMs),
      maxInFlight: Math.min(joined.maxInFlight, one.maxInFlight),
      mode: joined.mode,
      acquireTimeoutMs: Math.min(joined.acquireTimeoutMs, one.acquireTimeoutMs),
    }),
    first,
  )
}

/** Throws ERR_TRACELANE_OPTION_INVALID if a sink below `owner`, which acts on what could not be sent, sends each batch only once. */
export function checkAcknowledged(owner: string, sinks: readonly SinkSpec[]): void {
  if (!sinks.some(isOneWay)) return
  throw wrong(
    `${owner} does something with what could not be sent, and mode: 'one-way' sends once whatever happens: take one of them out`,
  )
}

/** Throws ERR_TRACELANE_OPTION_INVALID if some of `sinks`, which share one queue, wait for receipts and others do not. */
export function checkOneMode(owner: string, sinks: readonly SinkSpec[]): void {
  if (!sinks.some(isOneWay) || sinks.every(isOneWay)) return
  throw wrong(`${owner}: all its sinks get one and the same batches, so all or none must have mode: 'one-way'`)
}

function isOneWay(spec: SinkSpec): boolean {
  return leavesOf(spec).some((leaf) => isNetworkSink(leaf) && leaf.options.mode === 'one-way')
}
