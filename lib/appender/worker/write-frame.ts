import { type Pause, type Rows, rowsOfLines, type Sink } from '../../sinks'
import { ACCOUNT, type Frame, type QueueMemory, type RingReader, SYNC, WORD } from '../ring'
import { type Delivery, deliver } from './deliver'
import type { FrameRun } from './frame-run'
import type { SpilledLines } from './spilled-lines'

/* A system call of the spool failed, or somebody is just appending. */
const SPOOL_PAUSE_MS = 5

/**
 * Writes a run of frames, the first ones of the ring, from where it stopped, and resolves them. Only for the owner of the lock.
 *
 * `onTrouble` hears before each wait what went wrong. What the destination has whole by then is resolved; of the frame that comes next `written` says how
 * much is there.
 */
export function writeRun(
  memory: QueueMemory,
  reader: RingReader,
  run: FrameRun,
  sink: Sink,
  pause: Pause,
  onTrouble: (reason: string) => void,
): Delivery {
  const { ends, lines } = run
  let resolved = 0
  let from = 0
  const resolve = (outcome: 'delivered' | 'rejected', upTo: number): void => {
    for (let end = ends[resolved]; end !== undefined && end <= upTo; end = ends[++resolved]) {
      // Read anew, because there may be padding before it.
      const frame = reader.frame() as Frame
      if ((frame.flags & SYNC) !== 0 && outcome === 'delivered' && sink.sync?.() !== true) memory.count(ACCOUNT.unsynced, 1)
      reader.resolve(frame, outcome, end - from)
      from = end
    }
  }
  const onStop = (there: number): number => {
    // One frame is resolved when its write has ended, not before: its rows may be asked for again.
    if (ends.length > 1) resolve('delivered', there)
    return there - from
  }
  const delivery = deliverRest(memory, lines, run.rows, sink, pause, onTrouble, onStop)
  if (delivery.outcome === 'unfinished') return delivery
  if (delivery.outcome === 'rejected' && ends.length > 1) resolve('delivered', delivery.written)
  resolve(delivery.outcome, lines.length)
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
    return pause(SPOOL_PAUSE_MS) ? { outcome: 'delivered' } : { outcome: 'unfinished', reason: record.failed }
  }
  const { payload, meta } = record
  const rows: Rows = () => rowsOfLines(payload, meta.events, meta.firstSeq)
  const delivery = deliverRest(memory, payload, rows, sink, pause, onTrouble, (there) => there)
  if (delivery.outcome === 'unfinished') return delivery
  memory.count(ACCOUNT[delivery.outcome], meta.events)
  if (delivery.outcome === 'delivered') memory.count(ACCOUNT.bytes, payload.length)
  spilled.settle(record)
  return delivery
}

/*
 * Writes what the destination does not have yet of what the first frames, or the record that the first one stands for, become. `onStop` hears before each wait how much is
 * there, and says how much of that belongs to the frame, or record, that is the first one then.
 */
function deliverRest(
  memory: QueueMemory,
  lines: Uint8Array,
  rows: Rows | undefined,
  sink: Sink,
  pause: Pause,
  onTrouble: (reason: string) => void,
  onStop: (there: number) => number,
): Delivery {
  const { words } = memory
  Atomics.add(words, WORD.beat, 1)
  const alive: Pause = (ms) => {
    const goOn = pause(ms)
    Atomics.add(words, WORD.beat, 1)
    return goOn
  }
  const onRetry = (reason: string, there: number): void => {
    // Before the wait: whoever owns the lock next, because this thread was stopped or died, goes on from here.
    Atomics.store(words, WORD.written, onStop(there))
    memory.count(ACCOUNT.retried, 1)
    onTrouble(reason)
  }
  return deliver(sink, lines, Atomics.load(words, WORD.written), alive, onRetry, rows)
}
