import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Pause, Sink } from '../../sinks'
import { OWNER, QueueMemory, RingReader, WORD } from '../ring'
import { FrameLines } from './frame-lines'
import type { FromFlushThread, OutsideLine } from './protocol'
import { writeFrame } from './write-frame'

/** One ring as its flush thread sees it. */
export class ServedRing {
  readonly memory: QueueMemory
  readonly #reader: RingReader
  readonly #lines: FrameLines
  readonly #tell: (message: FromFlushThread) => void

  constructor(shared: SharedArrayBuffer, payloads: MessagePort, tell: (message: FromFlushThread) => void) {
    this.memory = new QueueMemory(shared)
    this.#reader = new RingReader(this.memory)
    this.#lines = new FrameLines((payload) => textOf(payloads, payload))
    this.#tell = tell
  }

  get isEmpty(): boolean {
    return this.#reader.isEmpty
  }

  /** Writes the next frame; false if there is none, or somebody else has the lock. */
  step(sink: Sink, pause: Pause): boolean {
    const { words } = this.memory
    if (Atomics.compareExchange(words, WORD.owner, OWNER.free, OWNER.flush) !== OWNER.free) return false
    const frame = this.#reader.frame()
    if (frame !== undefined) {
      const lines = this.#lines.of(frame)
      const onTrouble = (failure: string): void => this.#tell({ failure, retried: true })
      const delivery = writeFrame(this.memory, this.#reader, frame, lines, sink, pause, onTrouble)
      if (delivery.outcome === 'rejected') this.#tell({ failure: delivery.reason, retried: false })
    }
    Atomics.store(words, WORD.owner, OWNER.free)
    Atomics.notify(words, WORD.owner)
    this.tellIfReached()
    return frame !== undefined
  }

  /** Answers a `flush()` that waits for what is resolved now. */
  tellIfReached(): void {
    const { words } = this.memory
    if (Atomics.load(words, WORD.wanted) === 0) return
    if (((this.#reader.tail - Atomics.load(words, WORD.target)) | 0) < 0) return
    Atomics.store(words, WORD.wanted, 0)
    this.#tell({ reached: true })
  }
}

/** The text of a line that is too large for the ring; the thread that logs has sent it before the frame that stands for it. */
export function textOf(payloads: MessagePort, wanted: number): string | undefined {
  for (;;) {
    const message = receiveMessageOnPort(payloads)?.message as OutsideLine | undefined
    if (message === undefined || message.payload === wanted) return message?.text
  }
}
