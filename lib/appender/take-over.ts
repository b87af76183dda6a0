import type { Pause, Sink } from '../sinks'
import { OWNER, type QueueMemory, RingReader, WORD } from './ring'
import { FrameLines, type PayloadSource } from './worker/frame-lines'
import { writeFrame } from './worker/write-frame'

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
export function takeOver(memory: QueueMemory, sink: Sink, payloads: PayloadSource, pause: Pause, most = Infinity): TakenOver {
  const reader = new RingReader(memory)
  const lines = new FrameLines(payloads)
  let trouble: string | undefined
  let events = 0
  let reason = ''
  for (let written = 0; written < most; written++) {
    const frame = reader.frame()
    if (frame === undefined) break
    const delivery = writeFrame(memory, reader, frame, lines.of(frame), sink, pause, (why) => {
      trouble = why
    })
    if (delivery.outcome === 'unfinished') break
    trouble = undefined
    if (delivery.outcome === 'rejected') {
      events += frame.events
      reason = delivery.reason
    }
  }
  return { done: reader.isEmpty, trouble, rejected: events > 0 ? { events, reason } : undefined }
}
