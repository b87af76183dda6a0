import type { Worker } from 'node:worker_threads'
import { until } from '../../support'

/** Has each test of this suite wait at its end for the threads that it started: those that compress end by themselves. */
export function awaitThreads(): void {
  const running = new Set<Worker>()
  const watch = (worker: Worker): void => {
    running.add(worker)
    worker.once('exit', () => running.delete(worker))
  }
  before(() => process.on('worker', watch))
  after(() => process.off('worker', watch))
  afterEach(() => until('all threads have ended', () => running.size === 0, 60_000))
}
