import type { Worker } from 'node:worker_threads'
import { runOutside } from '../context'
import { complain, counters } from '../diagnostics'
import { reasonOf } from '../event'
import { workerThreads } from '../internal/builtin'
import { openSink, type SinkSpec } from '../sinks'
import type { Batch } from './batch'
import type { Flusher } from './flusher'
import { pauseUntil } from './pause'
import { CONTROL, type FlushThreadData, type FromFlushThread, OWNER, type ToFlushThread } from './worker/protocol'
import { workerSource } from './worker/source'
import { writeNext } from './worker/write-next'

const FIRST_RESTART_MS = 10
const MAX_RESTART_MS = 2_560
/* How often a flush thread that sleeps before its next try is woken while this thread waits for it. */
const HURRY_MS = 50

/**
 * A worker that writes to one sink; see worker/protocol.ts for how it and this thread share the work.
 *
 * Batches are kept here until they are resolved, so a thread that dies is replaced without loss, after a pause that grows as
 * long as no batch gets through. The thread never keeps the process alive, except while a `settled()` is waiting.
 */
export class FlushThread implements Flusher {
  readonly #spec: SinkSpec
  readonly #shared = new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT)
  readonly #control = new Int32Array(this.#shared)
  readonly #flushes = new Map<number, () => void>()
  #worker: Worker | undefined
  #unresolved: Batch[] = []
  #unresolvedCharacters = 0
  #unresolvedEvents = 0
  /* Batch numbers and failures wrap around like the Int32 control words, so only differences of them are used. */
  #firstUnresolved = 0
  #nextFlush = 1
  #resolvedEvents = 0
  #failedEvents = 0
  #failedWord = 0
  #deaths = 0
  #closed = false

  constructor(spec: SinkSpec) {
    this.#spec = spec
    this.#start()
  }

  post(batch: Batch): void {
    this.#unresolved.push(batch)
    this.#unresolvedCharacters += batch.text.length
    this.#unresolvedEvents += batch.events
    this.#reap()
    this.#send((this.#firstUnresolved + this.#unresolved.length - 1) | 0, batch)
  }

  backlog(): { characters: number; events: number } {
    this.#reap()
    return { characters: this.#unresolvedCharacters, events: this.#unresolvedEvents }
  }

  outcome(): { delivered: number; failed: number } {
    this.#reap()
    return { delivered: this.#resolvedEvents - this.#failedEvents, failed: this.#failedEvents }
  }

  waitForProgress(ms: number): boolean {
    Atomics.wait(this.#control, CONTROL.resolved, this.#firstUnresolved, ms)
    return this.#reap()
  }

  settled(deadlineMs: number): Promise<void> {
    this.#reap()
    if (this.#unresolved.length === 0) return Promise.resolve()
    const flush = this.#nextFlush++
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#flushes.delete(flush)
        if (this.#flushes.size === 0) this.#worker?.unref()
        resolve()
      }
      const timer = setTimeout(done, deadlineMs)
      this.#flushes.set(flush, done)
      this.#worker?.ref()
      Atomics.notify(this.#control, CONTROL.stop)
      this.#worker?.postMessage({ flush } satisfies ToFlushThread)
    })
  }

  drain(deadlineMs: number): void {
    const deadline = Date.now() + deadlineMs
    while (this.backlog().events > 0) {
      const owner = Atomics.compareExchange(this.#control, CONTROL.owner, OWNER.free, OWNER.main)
      if (owner === OWNER.free) {
        this.#takeOver(deadline)
        return
      }
      const rest = deadline - Date.now()
      if (rest <= 0) return
      // The destination may be well again long before the thread would look.
      Atomics.notify(this.#control, CONTROL.stop)
      Atomics.wait(this.#control, CONTROL.owner, owner, Math.min(rest, HURRY_MS))
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    Atomics.store(this.#control, CONTROL.stop, 1)
    Atomics.notify(this.#control, CONTROL.stop)
    Atomics.notify(this.#control, CONTROL.owner)
    const worker = this.#worker
    this.#worker = undefined
    for (const done of [...this.#flushes.values()]) done()
    await worker?.terminate()
  }

  /* Listeners and timers made here must not belong to the request that happened to log first. */
  #start(): Worker {
    return runOutside(() => {
      const workerData: FlushThreadData = { sink: this.#spec, control: this.#shared }
      const worker = new (workerThreads().Worker)(workerSource, {
        eval: true,
        workerData,
        execArgv: [],
        env: {},
        name: 'tracelane-flush',
      })
      worker.on('message', (message: FromFlushThread) => this.#onMessage(message))
      worker.on('error', (error) => complain('flush-thread', `a flush thread died and is replaced: ${error.message}`))
      worker.on('exit', () => this.#onExit(worker))
      // Last, because a listener for messages refs the worker again.
      worker.unref()
      this.#worker = worker
      return worker
    })
  }

  #send(batch: number, { text, events }: Batch): void {
    this.#worker?.postMessage({ batch, text, events } satisfies ToFlushThread)
  }

  #onMessage(message: FromFlushThread): void {
    if ('flushed' in message) {
      this.#flushes.get(message.flushed)?.()
      return
    }
    if (message.retried) counters.writesRetried++
    complain('sink', `a sink cannot write: ${message.failure}`)
  }

  #onExit(worker: Worker): void {
    if (this.#closed || worker !== this.#worker) return
    this.#worker = undefined
    this.#deaths = this.#reap() ? 1 : this.#deaths + 1
    counters.flushThreadRestarts++
    // A thread that died while it was writing still holds the lock.
    Atomics.compareExchange(this.#control, CONTROL.owner, OWNER.flush, OWNER.free)
    this.#restartLater()
  }

  #restartLater(): void {
    const waitMs = Math.min(FIRST_RESTART_MS * 2 ** this.#deaths, MAX_RESTART_MS)
    runOutside(() => setTimeout(() => this.#restart(), waitMs).unref())
  }

  #restart(): void {
    if (this.#closed || this.#worker !== undefined) return
    let worker: Worker
    try {
      worker = this.#start()
    } catch (error) {
      // The system has no thread to give now; thrown from a timer, this would end the application.
      complain('flush-thread', `a flush thread cannot be replaced yet: ${reasonOf(error)}`)
      this.#deaths++
      this.#restartLater()
      return
    }
    this.#reap()
    this.#unresolved.forEach((batch, i) => {
      this.#send((this.#firstUnresolved + i) | 0, batch)
    })
    if (this.#flushes.size > 0) worker.ref()
    for (const flush of this.#flushes.keys()) worker.postMessage({ flush } satisfies ToFlushThread)
  }

  /* Forgets the batches that have been resolved since the last look; false if there were none. */
  #reap(): boolean {
    const count = (Atomics.load(this.#control, CONTROL.resolved) - this.#firstUnresolved) | 0
    if (count === 0) return false
    for (const { text, events } of this.#unresolved.splice(0, count)) {
      this.#unresolvedCharacters -= text.length
      this.#unresolvedEvents -= events
      this.#resolvedEvents += events
    }
    this.#firstUnresolved = (this.#firstUnresolved + count) | 0
    const failedWord = Atomics.load(this.#control, CONTROL.failed)
    this.#failedEvents += (failedWord - this.#failedWord) | 0
    this.#failedWord = failedWord
    return true
  }

  /* Writes everything that is left on this thread; called with the lock held, and gives it back. */
  #takeOver(deadline: number): void {
    const sink = openSink(this.#spec)
    this.#reap()
    for (const batch of [...this.#unresolved]) {
      const delivery = writeNext(this.#control, sink, batch, pauseUntil(deadline), () => {
        counters.writesRetried++
      })
      if (delivery.outcome === 'unfinished') break
    }
    sink.close()
    Atomics.store(this.#control, CONTROL.owner, OWNER.free)
    Atomics.notify(this.#control, CONTROL.owner)
  }
}
