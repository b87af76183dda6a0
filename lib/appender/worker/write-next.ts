import type { Pause, Sink } from '../../sinks'
import type { Batch } from '../batch'
import { type Delivery, deliver } from './deliver'
import { CONTROL } from './protocol'

/**
 * Writes the batch whose turn it is, number RESOLVED, from where it stopped, and counts it as resolved. Only for the owner of the lock.
 *
 * `onTrouble` hears before each wait what went wrong.
 */
export function writeNext(
  control: Int32Array,
  sink: Sink,
  { text, events }: Batch,
  pause: Pause,
  onTrouble: (reason: string) => void,
): Delivery {
  const bytes = Buffer.from(text)
  const delivery = deliver(sink, bytes.subarray(Atomics.load(control, CONTROL.written)), pause, (reason, left) => {
    // Before the wait: whoever owns the lock next, because this thread was stopped or died, goes on from here.
    Atomics.store(control, CONTROL.written, bytes.length - left)
    onTrouble(reason)
  })
  if (delivery.outcome === 'unfinished') return delivery
  if (delivery.outcome === 'refused') Atomics.add(control, CONTROL.failed, events)
  Atomics.store(control, CONTROL.written, 0)
  Atomics.add(control, CONTROL.resolved, 1)
  return delivery
}
