import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { MessagePort, Worker } from 'node:worker_threads'
import { runOutside } from '../context'
import { complain, counters } from '../diagnostics'
import { instance, reasonOf } from '../event'
import { workerThreads } from '../internal/builtin'
import { destinationOf, isAsyncSink, openSink, type Pause, type Sink, type SinkSpec } from '../sinks'
import type { OwnFlusher } from './flusher'
import { RingHost } from './isolates/ring-host'
import type { OutsideLines } from './outside-lines'
import { OWNER, type QueueMemory, SPILL, WORD } from './ring'
import type { SpillPlace } from './spill-place'
import { drainRing, takeOver, tryLock, unlock, type WritableRing, writeSome } from './take-over'
import {
  type FlushThreadData,
  type FromFlushThread,
  HURRY,
  OWN_RING,
  RING,
  STOP,
  type ToFlushThread,
  type ToInbox,
} from './worker/protocol'
import { workerSource } from './worker/source'

const FIRST_RESTART_MS = 10
const MAX_RESTART_MS = 2_560
/* How often a flush thread that sleeps before its next try is woken while this thread waits for it. */
const HURRY_MS = 50
const NO_WAIT: Pause = () => false
/* How long a thread that is told to end may take to close its sink. */
const ENDING_MS = 200

/**
 * A worker that writes what lies in a ring to one sink; see worker/protocol.ts and ring/memory.ts for how it and this thread share the work.
 *
 * The ring outlives the worker: one that dies is replaced without loss, after a pause that grows as long as no frame gets through. The
 * thread never keeps the process alive, except while a `settled()` is waiting. That of the main thread also serves other isolates.
 */
export class FlushThread implements OwnFlusher {
  readonly isThread = true
  readonly #spec: SinkSpec
  readonly #memory: QueueMemory
  readonly #outside: OutsideLines
  readonly #pollMs: number
  readonly #spill: SpillPlace | undefined
  /* Its sink answers later: the thread has an event loop, is woken by messages, and nobody can take over from it. */
  readonly #isAsync: boolean
  readonly #flushes = new Map<() => void, number>()
  readonly #host: RingHost | undefined
  /* The file, while this thread writes it. */
  #early: Sink | undefined
  /* Whether a trace ended whose last lines are still to be posted. */
  #endsWithNext = false
  #isOnline = false
  #worker: Worker | undefined
  #inbox: MessagePort | undefined
  #deaths = 0
  #tailAtDeath = 0
  #closed = false

  constructor(spec: SinkSpec, memory: QueueMemory, outside: OutsideLines, pollMs: number, spill?: SpillPlace) {
    this.#spec = spec
    this.#memory = memory
    this.#outside = outside
    this.#pollMs = pollMs
    this.#spill = spill
    this.#isAsync = isAsyncSink(spec)
    this.#start()
    if (this.#isAsync || !workerThreads().isMainThread) return
    this.#host = new RingHost(spec, memory, (message) => this.#inbox?.postMessage(message))
  }

  posted(): void {
    if (this.#spec.kind === 'file' && this.#isStarting) this.#writeMeanwhile()
    else if (this.#early !== undefined) this.#closeEarly()
    if (this.#endsWithNext) {
      this.#endsWithNext = false
      this.#memory.markDue()
    }
    if (this.#pollMs === Infinity || this.#isAsync) this.#ring(false)
  }

  ended(isPartAhead: boolean): void {
    if (!this.#isAsync) return
    this.#endsWithNext = isPartAhead
    if (!isPartAhead && this.#memory.markDue()) this.#ring(false)
  }

  outside(payload: number, text: string): void {
    this.#inbox?.postMessage({ ring: OWN_RING, payload, text } satisfies ToInbox)
  }

  waitForProgress(ms: number, help: boolean): boolean {
    const { words } = this.#memory
    const tail = this.#tail
    if (this.#isAsync) {
      this.#ring(true)
      Atomics.wait(words, WORD.tail, tail, ms)
      return this.#tail !== tail
    }
    const deadline = Date.now() + ms
    // It may be starting still; or it is dead, which this thread is not told as long as it goes on without a turn of the event loop.
    if (!help && Atomics.load(words, WORD.running) !== 0) {
      this.#ring(true)
      Atomics.wait(words, WORD.tail, tail, ms / 2)
      if (this.#tail !== tail) return true
      Atomics.store(words, WORD.running, 0)
    }
    this.#freeLockOfDead()
    if (writeSome(this.#served, this.#spec, deadline, 1)) return this.#tail !== tail
    this.#ring(true)
    Atomics.wait(words, WORD.tail, tail, Math.max(deadline - Date.now(), 0))
    return this.#tail !== tail
  }

  settled(deadlineMs: number): Promise<void> {
    const target = Atomics.load(this.#memory.words, WORD.head)
    if (this.#tail === target) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#flushes.delete(done)
        if (this.#flushes.size === 0) this.#worker?.unref()
        resolve()
      }
      const timer = setTimeout(done, deadlineMs)
      this.#flushes.set(done, target)
      this.#worker?.ref()
      this.#ask()
    })
  }

  drain(deadlineMs: number): void {
    const deadline = Date.now() + deadlineMs
    if (this.#isAsync) this.#waitUntilEmpty(deadline)
    else drainRing(this.#served, this.#spec, this.#memory, false, deadline, () => this.#freeLockOfDead())
    this.#host?.drain(deadline)
  }

  async retire(): Promise<void> {
    const worker = this.#end()
    if (worker !== undefined) await once(worker, 'exit')
    Atomics.store(this.#memory.words, WORD.stop, 0)
  }

  async close(graceMs: number): Promise<void> {
    if (this.#closed) return
    await this.#host?.close(graceMs)
    const worker = this.#end()
    if (worker !== undefined) await ended(worker)
  }

  /* A thread that died with the lock is seen by its 'exit' event, or, while this thread does not get to that, by the operating system. */
  #freeLockOfDead(): void {
    const { words } = this.#memory
    const thread = Atomics.load(words, WORD.thread)
    if (Atomics.load(words, WORD.owner) !== OWNER.flush || thread === 0 || existsSync(`/proc/self/task/${thread}`)) return
    Atomics.store(words, WORD.running, 0)
    Atomics.compareExchange(words, WORD.owner, OWNER.flush, OWNER.free)
  }

  /* What was begun here goes on until a turn of the event loop tells that the worker runs: in the middle of a burst that would be too slow at first. */
  get #isStarting(): boolean {
    return Atomics.load(this.#memory.words, WORD.running) === 0 || (this.#early !== undefined && !this.#isOnline)
  }

  /*
   * Until the worker runs, which takes as long as a burst of some 20,000 lines, a file is written here, as far as that needs no waiting: what lies in
   * memory only does not survive `kill -9`.
   */
  #writeMeanwhile(): void {
    if (!tryLock(this.#memory)) return
    this.#early ??= openSink(this.#spec)
    const before = this.#memory.retries
    takeOver(this.#served, this.#early, NO_WAIT)
    counters.writesRetried += this.#memory.retries - before
    unlock(this.#memory)
  }

  #closeEarly(): void {
    this.#early?.close()
    this.#early = undefined
  }

  /* Tells the worker to end, and forgets it. */
  #end(): Worker | undefined {
    this.#closed = true
    const { words } = this.#memory
    Atomics.store(words, WORD.stop, 1)
    Atomics.notify(words, WORD.stop)
    this.#ring(true)
    const worker = this.#worker
    if (this.#isAsync) worker?.postMessage(STOP satisfies ToFlushThread)
    this.#worker = undefined
    for (const done of [...this.#flushes.keys()]) done()
    this.#inbox?.close()
    this.#closeEarly()
    return worker
  }

  #waitUntilEmpty(deadline: number): void {
    while (this.#tail !== Atomics.load(this.#memory.words, WORD.head)) {
      const rest = deadline - Date.now()
      if (rest <= 0) return
      this.waitForProgress(Math.min(rest, HURRY_MS), false)
    }
  }

  get #served(): WritableRing {
    return { memory: this.#memory, payloads: (payload) => this.#outside.text(payload), spill: this.#spill }
  }

  get #tail(): number {
    return Atomics.load(this.#memory.words, WORD.tail)
  }

  /* Listeners and timers made here must not belong to the request that happened to log first. */
  #start(): Worker {
    return runOutside(() => {
      const { MessageChannel, Worker } = workerThreads()
      const { port1, port2 } = new MessageChannel()
      const workerData: FlushThreadData = {
        sink: this.#spec,
        memory: this.#memory.shared,
        inbox: port2,
        pollMs: this.#pollMs,
        instance: instance(),
        spill: this.#spill,
      }
      const worker = new Worker(workerSource, {
        eval: true,
        workerData,
        transferList: [port2],
        execArgv: [],
        env: {},
        name: 'tracelane-flush',
      })
      for (const [payload, text] of this.#outside.entries())
        port1.postMessage({ ring: OWN_RING, payload, text } satisfies ToInbox)
      for (const message of this.#host?.introduction() ?? []) port1.postMessage(message)
      worker.once('online', () => {
        this.#isOnline = true
      })
      worker.on('message', (message: FromFlushThread) => this.#onMessage(message))
      worker.on('error', (error) => complain('flush-thread', `a flush thread died and is replaced: ${error.message}`))
      worker.on('exit', () => this.#onExit(worker))
      // Last, because a listener for messages refs the worker again.
      worker.unref()
      port1.unref()
      this.#inbox = port1
      this.#worker = worker
      return worker
    })
  }

  #onMessage(message: FromFlushThread): void {
    if ('reached' in message) {
      const tail = this.#tail
      for (const [done, target] of [...this.#flushes]) if (((tail - target) | 0) >= 0) done()
      this.#ask()
      return
    }
    if ('notice' in message) {
      complain('spool', message.notice)
      return
    }
    if (message.retried) counters.writesRetried++
    complain('sink', `a sink cannot write: ${message.failure}`, destinationOf(this.#spec))
  }

  /* Asks to be told when what the nearest flush waits for is resolved. */
  #ask(): void {
    const [target] = this.#flushes.values()
    if (target === undefined) return
    const { words } = this.#memory
    Atomics.store(words, WORD.target, target)
    Atomics.store(words, WORD.wanted, 1)
    Atomics.notify(words, WORD.stop)
    this.#ring(true)
  }

  /* Tells the thread that there is something new; one with an event loop sleeps there, not on a word. */
  #ring(urgent: boolean): void {
    if (!this.#isAsync) this.#memory.ring(urgent)
    else if (this.#memory.ringsAt(urgent)) this.#worker?.postMessage((urgent ? HURRY : RING) satisfies ToFlushThread)
  }

  #onExit(worker: Worker): void {
    if (this.#closed || worker !== this.#worker) return
    this.#worker = undefined
    this.#isOnline = false
    this.#inbox?.close()
    this.#inbox = undefined
    const tail = this.#tail
    this.#deaths = tail !== this.#tailAtDeath ? 1 : this.#deaths + 1
    this.#tailAtDeath = tail
    counters.flushThreadRestarts++
    const { words } = this.#memory
    // Told to end for the end of a process that lived on: process 1 of a container.
    Atomics.store(words, WORD.stop, 0)
    Atomics.store(words, WORD.waiting, 0)
    Atomics.store(words, WORD.running, 0)
    Atomics.store(words, WORD.thread, 0)
    // A thread that died while it was writing still holds the lock.
    Atomics.compareExchange(words, WORD.owner, OWNER.flush, OWNER.free)
    Atomics.compareExchange(words, WORD.spill, SPILL.closing, SPILL.open)
    this.#host?.freeLocks()
    this.#restartLater()
  }

  #restartLater(): void {
    const waitMs = Math.min(FIRST_RESTART_MS * 2 ** this.#deaths, MAX_RESTART_MS)
    runOutside(() => setTimeout(() => this.#restart(), waitMs).unref())
  }

  #restart(): void {
    if (this.#closed || this.#worker !== undefined) return
    try {
      this.#start()
    } catch (error) {
      // The system has no thread to give now; thrown from a timer, this would end the application.
      complain('flush-thread', `a flush thread cannot be replaced yet: ${reasonOf(error)}`)
      this.#deaths++
      this.#restartLater()
      return
    }
    if (this.#flushes.size > 0) (this.#worker as Worker | undefined)?.ref()
  }
}

/* Lets a thread that was told to end close its sink by itself, for a moment, and ends it if it does not. */
async function ended(worker: Worker): Promise<void> {
  worker.ref()
  const timer = setTimeout(() => void worker.terminate(), ENDING_MS)
  await once(worker, 'exit')
  clearTimeout(timer)
}
