import { type Pause, type Rows, rowsOfLines, type Sink } from '../../sinks'
import { ACCOUNT, type Frame, type QueueMemory, type RingReader, SYNC, WORD } from '../ring'
import { type Delivery, deliver } from './deliver'
import { rowsOfFrame } from './event-rows'
import type { SpilledLines } from './spilled-lines'

/* A system call of the spool failed, or somebody is just appending. */
const SPOOL_PAUSE_MS = 5
const NOTHING = new Uint8Array(0)

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
  const delivery = deliverRest(memory, lines, () => rowsOfFrame(frame, lines), sink, pause, onTrouble)
  if (delivery.outcome === 'unfinished') return delivery
  if ((frame.flags & SYNC) !== 0 && delivery.outcome === 'delivered' && sink.sync?.() !== true) memory.count(ACCOUNT.unsynced, 1)
  reader.resolve(frame, delivery.outcome, lines.length)
  return delivery
}

/** Writes the next record of a spill, from where it stopped, and settles it; resolves `frame`, which stands for it, when there is none. */
export function writeSpilled(
  memory: QueueMemory,
  reader: RingReader,
  frame: Frame,
  spilled: SpilledLines,
  sink: Sink,
  pause: Pause,
  onTrouble: (reason: string) => void,
): Delivery {
  const record = spilled.next()
  if (record === 'done') {
    reader.resolve(frame, 'delivered', 0)
    spilled.end()
    return { outcome: 'delivered' }
  }
  if ('failed' in record) {
    if (record.failed !== '') onTrouble(record.failed)
    return pause(SPOOL_PAUSE_MS) ? { outcome: 'delivered' } : { outcome: 'unfinished', reason: record.failed, rest: NOTHING }
  }
  const { payload, meta } = record
  const rows: Rows = () => rowsOfLines(payload, meta.events, meta.firstSeq)
  const delivery = deliverRest(memory, payload, rows, sink, pause, onTrouble)
  if (delivery.outcome === 'unfinished') return delivery
  memory.count(ACCOUNT[delivery.outcome], meta.events)
  if (delivery.outcome === 'delivered') memory.count(ACCOUNT.bytes, payload.length)
  spilled.settle(record)
  return delivery
}

/* Writes what the destination does not have yet of what the first frame, or the record it stands for, becomes. */
function deliverRest(
  memory: QueueMemory,
  lines: Uint8Array,
  rows: Rows,
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
  const onRetry = (reason: string, left: number): void => {
    // Before the wait: whoever owns the lock next, because this thread was stopped or died, goes on from here.
    Atomics.store(words, WORD.written, lines.length - left)
    memory.count(ACCOUNT.retried, 1)
    onTrouble(reason)
  }
  return deliver(sink, lines.subarray(Atomics.load(words, WORD.written)), alive, onRetry, rows)
}
