import type { Pause, Sink } from '../../sinks'
import { ACCOUNT, type Frame, type QueueMemory, type RingReader, SYNC, WORD } from '../ring'
import { type Delivery, deliver } from './deliver'

/**
 * Writes `lines`, what the first frame of the ring becomes, from where it stopped, and resolves the frame. Only for the owner of the lock.
 *
 * `onTrouble` hears before each wait what went wrong.
 */
export function writeFrame(
  memory: QueueMemory,
  reader: RingReader,
  frame: Frame,
  lines: Uint8Array,
  sink: Sink,
  pause: Pause,
  onTrouble: (reason: string) => void,
): Delivery {
  const { words } = memory
  Atomics.add(words, WORD.beat, 1)
  const alive: Pause = (ms) => {
    const goOn = pause(ms)
    Atomics.add(words, WORD.beat, 1)
    return goOn
  }
  const delivery = deliver(sink, lines.subarray(Atomics.load(words, WORD.written)), alive, (reason, left) => {
    // Before the wait: whoever owns the lock next, because this thread was stopped or died, goes on from here.
    Atomics.store(words, WORD.written, lines.length - left)
    memory.count(ACCOUNT.retried, 1)
    onTrouble(reason)
  })
  if (delivery.outcome === 'unfinished') return delivery
  if ((frame.flags & SYNC) !== 0 && delivery.outcome === 'delivered' && sink.sync?.() !== true) memory.count(ACCOUNT.unsynced, 1)
  reader.resolve(frame, delivery.outcome, lines.length)
  return delivery
}
