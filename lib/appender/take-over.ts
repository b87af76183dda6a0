import { complain, counters } from '../diagnostics'
import { openSink, type Pause, type Sink, type SinkSpec } from '../sinks'
import { pauseUntil } from './pause'
import { FRAME, OWNER, type QueueMemory, RingReader, WORD } from './ring'
import type { SpillPlace } from './spill-place'
import { FrameLines, type PayloadSource } from './worker/frame-lines'
import { runOf } from './worker/frame-run'
import { SpilledLines } from './worker/spilled-lines'
import { writeRun, writeSpilled } from './worker/write-frame'

/* How often a flush thread that sleeps before its next try is woken while this thread waits for it. */
const HURRY_MS = 50

/** A ring with what is needed to write what lies in it. */
export interface WritableRing {
  readonly memory: QueueMemory
  readonly payloads: PayloadSource
  /** The spool behind it, if there is one. */
  readonly spill?: SpillPlace | undefined
}

/** What came of frames that this thread wrote by itself. */
export interface TakenOver {
  /** Whether the ring is empty now. */
  readonly done: boolean
  /** Why the destination does not take more, if that is why. */
  readonly trouble: string | undefined
  /** Why the destination refused some of it, and how many events. */
  readonly rejected: { readonly events: number; readonly reason: string } | undefined
}

/** Takes the lock of a ring for the thread that logs, if it is free. */
export function tryLock({ words }: QueueMemory): boolean {
  return Atomics.compareExchange(words, WORD.owner, OWNER.free, OWNER.main) === OWNER.free
}

/** Gives the lock back. */
export function unlock(memory: QueueMemory): void {
  Atomics.store(memory.words, WORD.owner, OWNER.free)
  Atomics.notify(memory.words, WORD.owner)
  memory.ring()
}

/** Writes the frames of a ring, up to `most` of them, on this thread. Only for the owner of the lock. */
export function takeOver({ memory, payloads, spill }: WritableRing, sink: Sink, pause: Pause, most = Infinity): TakenOver {
  const reader = new RingReader(memory)
  const lines = new FrameLines(payloads)
  const spilled = spill && new SpilledLines(memory, spill, (notice) => complain('spool', notice))
  let trouble: string | undefined
  let events = 0
  let reason = ''
  for (let written = 0; written < most; written++) {
    const frame = reader.frame()
    if (frame === undefined) break
    const onTrouble = (why: string): void => {
      trouble = why
    }
    const delivery =
      frame.kind === FRAME.spilled && spilled !== undefined
        ? writeSpilled(memory, reader, frame, spilled, sink, pause, onTrouble)
        : writeRun(memory, reader, runOf(frame, lines.of(frame)), sink, pause, onTrouble)
    if (delivery.outcome === 'unfinished') break
    trouble = undefined
    if (delivery.outcome === 'rejected') {
      events += frame.events
      reason = delivery.reason
    }
  }
  spilled?.close()
  return { done: reader.isEmpty, trouble, rejected: events > 0 ? { events, reason } : undefined }
}

/** Writes up to `most` frames of a ring on this thread, until `deadline` (ms since the epoch); false if somebody else has the lock. */
export function writeSome(ring: WritableRing, spec: SinkSpec, deadline: number, most: number): boolean {
  const { memory } = ring
  if (!tryLock(memory)) return false
  const sink = openSink(spec)
  const before = memory.retries
  takeOver(ring, sink, pauseUntil(deadline), most)
  counters.writesRetried += memory.retries - before
  sink.close()
  unlock(memory)
  return true
}

/**
 * Blocks this thread until what lies in a ring now is resolved, or `deadline` (ms since the epoch) has passed. Writes by itself when
 * the lock is free.
 *
 * `bell` wakes whoever serves the ring. If that is the flush thread of another isolate, `isHosted`, this thread leaves it to it as long as it
 * shows life, and does not take the lock: it may be terminated meanwhile, and then nobody would give it back. `freeLockOfDead` gives back the lock of a flush
 * thread that can be seen to be dead.
 */
export function drainRing(
  ring: WritableRing,
  spec: SinkSpec,
  bell: QueueMemory,
  isHosted: boolean,
  deadline: number,
  freeLockOfDead?: () => void,
): void {
  const { words } = ring.memory
  const target = Atomics.load(words, WORD.head)
  for (;;) {
    const tail = Atomics.load(words, WORD.tail)
    const rest = deadline - Date.now()
    if (((tail - target) | 0) >= 0 || rest <= 0) return
    // The destination may be well again long before the thread would look.
    Atomics.notify(bell.words, WORD.stop)
    bell.ring(true)
    const beat = Atomics.load(words, WORD.beat)
    if (isHosted) Atomics.wait(words, WORD.tail, tail, Math.min(rest, HURRY_MS))
    if (Atomics.load(words, WORD.beat) !== beat || Atomics.load(words, WORD.tail) !== tail) continue
    if (writeSome(ring, spec, deadline, Infinity)) continue
    const owner = Atomics.load(words, WORD.owner)
    if (owner === OWNER.free) continue
    Atomics.wait(words, WORD.owner, owner, Math.min(rest, HURRY_MS))
    freeLockOfDead?.()
  }
}
