import type { Worker } from 'node:worker_threads'
import { runOutside } from '../../../context'
import { workerThreads } from '../../../internal/builtin'
import { type CompressionData, type Paths, STATE } from './protocol'
import { compressionSource } from './source'

/**
 * Has finished files compressed by a thread that lives as long as there are some: whoever writes must not wait for it.
 *
 * What is not compressed when the process ends stays as it is, and is found at the next start. See protocol.ts.
 */
export class Compressor {
  readonly #state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  #worker: Worker | undefined

  /** Compresses files, each to its name with `.gz`, after `waitMs` milliseconds. */
  add(paths: readonly string[], waitMs = 0): void {
    if (paths.length === 0) return
    const first: Paths = { paths, waitMs }
    this.#worker?.postMessage(first)
    if (Atomics.compareExchange(this.#state, 0, STATE.idle, STATE.running) !== STATE.idle) return
    try {
      const worker = runOutside(() => start({ first, state: this.#state.buffer as SharedArrayBuffer }))
      this.#worker = worker
      // A thread that dies says so only to a thread that listens; one that sleeps goes on without compression.
      worker.on('exit', () => {
        if (this.#worker === worker) Atomics.store(this.#state, 0, STATE.idle)
      })
    } catch {
      // No thread to be had: the files stay as they are until the next start.
      Atomics.store(this.#state, 0, STATE.idle)
    }
  }
}

function start(workerData: CompressionData): Worker {
  const { Worker } = workerThreads()
  const worker = new Worker(compressionSource, { eval: true, workerData, execArgv: [], env: {}, stdout: true, stderr: true })
  worker.unref()
  return worker.on('error', () => {})
}
