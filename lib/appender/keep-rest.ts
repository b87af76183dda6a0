import type { OutsideLines } from './outside-lines'
import { FRAME, OWNER, type QueueMemory, RingReader, WORD } from './ring'
import type { Spill } from './spill'
import { tryLock, unlock } from './take-over'
import { FrameLines } from './worker/frame-lines'

const NEW_LINE = 0x0a
const ENDING_MS = 200

/**
 * Moves what still lies in a ring into the spool, at the end of the process, for the next one. Of a frame that was written in part, the
 * line in whose middle the write stopped comes again, whole. Does nothing while a flush thread is stuck in a write.
 *
 * `alone`: there is no flush thread any more, or its sink answers later: then nobody waits for the lock, and what is on its way may come twice.
 */
export function keepRest(memory: QueueMemory, outside: OutsideLines, spill: Spill, alone: boolean): void {
  if (alone) Atomics.store(memory.words, WORD.owner, OWNER.main)
  else if (!lockOfThreadThatEnds(memory)) return
  const reader = new RingReader(memory)
  const lines = new FrameLines((payload) => outside.text(payload))
  for (let frame = reader.frame(); frame !== undefined; frame = reader.frame()) {
    // What it stands for lies in the spool already.
    if (frame.kind === FRAME.spilled) {
      reader.resolve(frame, 'spooled', 0)
      continue
    }
    const bytes = lines.of(frame)
    const written = Atomics.load(memory.words, WORD.written)
    const from = written === 0 ? 0 : bytes.lastIndexOf(NEW_LINE, written - 1) + 1
    if (!spill.keep(bytes.subarray(from), frame.events, frame.firstSeq)) break
    reader.resolve(frame, 'spooled', 0)
  }
  if (reader.isEmpty) spill.end()
  unlock(memory)
}

/* A flush thread that waits before its next try gives the lock back when it is told to end. */
function lockOfThreadThatEnds(memory: QueueMemory): boolean {
  const { words } = memory
  Atomics.store(words, WORD.stop, 1)
  Atomics.notify(words, WORD.stop)
  if (tryLock(memory)) return true
  Atomics.wait(words, WORD.owner, OWNER.flush, ENDING_MS)
  return tryLock(memory)
}
