import { runOutside } from '../context'
import { complain, counters } from '../diagnostics'
import { instance } from '../event'
import { type AsyncSinkSpec, destinationOf, openAsyncSink } from '../sinks'
import type { Flusher } from './flusher'
import type { OutsideLines } from './outside-lines'
import { ACCOUNT, countOutcomes, type QueueMemory, WORD } from './ring'
import type { SpillPlace } from './spill-place'
import { FrameSender } from './worker/frame-sender'
import type { FromFlushThread } from './worker/protocol'

const LOOK_MS = 5

/**
 * Sends on the thread that logs, from its event loop, to a sink that answers later: without a flush thread. While this thread is busy
 * nothing is sent, and at the end of the process nothing can be; so `await flush()` before.
 */
export class InProcessSender implements Flusher {
  readonly isThread = false
  readonly #memory: QueueMemory
  readonly #sender: FrameSender
  readonly #running: Promise<void>
  /* Whether a trace ended whose last lines are still to be posted. */
  #endsWithNext = false

  constructor(spec: AsyncSinkSpec, memory: QueueMemory, outside: OutsideLines, spill?: SpillPlace) {
    this.#memory = memory
    const destination = destinationOf(spec)
    const tell = (message: FromFlushThread): void => {
      if ('reached' in message) return
      if ('notice' in message) {
        complain('spool', message.notice)
        return
      }
      if (message.retried) counters.writesRetried++
      complain('sink', `a sink cannot write: ${message.failure}`, destination)
    }
    const onTrouble = (failure: string): void => {
      memory.count(ACCOUNT.retried, 1)
      tell({ failure, retried: true })
    }
    const sink = openAsyncSink(spec, {
      onTrouble,
      onReplayed: (outcomes) => countOutcomes(memory, { ...outcomes, spooled: 0 }),
    })
    this.#sender = new FrameSender(memory.shared, (payload) => outside.text(payload), sink, instance(), tell, spill)
    this.#running = runOutside(() => this.#sender.run())
  }

  posted(): void {
    if (this.#endsWithNext) {
      this.#endsWithNext = false
      this.#memory.markDue()
    }
    if (this.#memory.ringsAt(false)) this.#sender.ring()
  }

  ended(isPartAhead: boolean): void {
    this.#endsWithNext = isPartAhead
    if (!isPartAhead && this.#memory.markDue()) this.#sender.ring()
  }

  outside(): void {
    // It is found among the lines that are kept anyway.
  }

  waitForProgress(): undefined {
    return undefined
  }

  async settled(deadlineMs: number): Promise<void> {
    const { words } = this.#memory
    const target = Atomics.load(words, WORD.head)
    const deadline = Date.now() + deadlineMs
    this.#sender.hurry()
    // Whoever awaits a flush keeps the process alive by it, which the connections do not.
    while (((Atomics.load(words, WORD.tail) - target) | 0) < 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  drain(): void {
    // Nobody could wait for the answer here.
  }

  async close(): Promise<void> {
    this.#sender.stop()
    await this.#running
  }
}
