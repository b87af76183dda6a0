import { EventEmitter } from 'node:events'
import type { WorkerOptions } from 'node:worker_threads'
import { type Frame, QueueMemory, RingReader, WORD } from '../../lib/appender/ring'

/**
 * Flush threads that do nothing: the test resolves frames itself, as many as it wants. In the place of Node's `Worker` from `start` to `stop`.
 */
export class StillThreads {
  /** The memory of each queue that has opened its thread, in order. */
  readonly memories: QueueMemory[] = []
  readonly #threads = process.getBuiltinModule('node:worker_threads') as { Worker: unknown }
  readonly #real = this.#threads.Worker

  start(): this {
    const { memories } = this
    this.#threads.Worker = class extends EventEmitter {
      readonly #memory: QueueMemory

      constructor(_source: string, { workerData }: WorkerOptions) {
        super()
        this.#memory = new QueueMemory((workerData as { memory: SharedArrayBuffer }).memory)
        memories.push(this.#memory)
        // As a thread says that runs; else the one that logs writes by itself.
        Atomics.store(this.#memory.words, WORD.running, 1)
      }

      /* Whoever waits for its end does this first. */
      ref(): void {
        if (Atomics.load(this.#memory.words, WORD.stop) !== 0) setImmediate(() => this.emit('exit', 0))
      }

      unref(): void {}
      terminate(): Promise<number> {
        this.emit('exit', 0)
        return Promise.resolve(0)
      }
    }
    return this
  }

  stop(): void {
    this.#threads.Worker = this.#real
  }

  /** Takes the oldest frame of a queue, as if it were delivered, if there is one; gives a copy of it. */
  take(queue = 0): Frame | undefined {
    const memory = this.memories[queue]
    if (memory === undefined) return undefined
    const reader = new RingReader(memory)
    const frame = reader.frame()
    if (frame === undefined) return undefined
    const copy = { ...frame, rows: frame.rows.slice(), dictionary: Buffer.from(frame.dictionary), text: Buffer.from(frame.text) }
    reader.resolve(frame, 'delivered', frame.text.length)
    return copy
  }

  /** All frames of a queue, in order. */
  takeAll(queue = 0): Frame[] {
    const frames: Frame[] = []
    for (let frame = this.take(queue); frame !== undefined; frame = this.take(queue)) frames.push(frame)
    return frames
  }
}
