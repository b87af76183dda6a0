import { type AsyncSink, type BatchResult, resolveSending, type SendingOptions } from '../../sinks'
import { ACCOUNT, type Outcomes, OWNER, QueueMemory, RingReader, WORD } from '../ring'
import type { SpillPlace } from '../spill-place'
import { BatchQueue, cut, type Part } from './batch-queue'
import { Delivery, sendOnce } from './delivery'
import { FrameIntake, type Intake } from './frame-intake'
import { FrameLines, type PayloadSource } from './frame-lines'
import { OpenFrames } from './open-frames'
import type { OutgoingBatch } from './outgoing-batch'
import type { FromFlushThread } from './protocol'
import { type After, SendPermits } from './send-permits'
import { SpilledLines } from './spilled-lines'

const SPOOL_PAUSE_MS = 20
const PULSE_MS = 1_000

/** The time as a sender knows it. */
export interface SenderClock {
  /** Milliseconds that only go on. */
  now(): number
  readonly after: After
}

const CLOCK: SenderClock = {
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/**
 * Sends the frames of a ring to a sink that answers later, on a thread with an event loop. Nobody else resolves frames of this ring: there is no lock, and no
 * taking over, because nobody could wait for the answer.
 *
 *   ring ── read ahead ──▶ ways, one for each batch in flight ── lines become batches ──▶ sink
 *     ▲                      a trace goes one of them, so its lines stay in order           │
 *     └────────────── frames are resolved in their own order ◀── outcomes ──────────────────┘
 */
export class FrameSender {
  readonly #memory: QueueMemory
  readonly #reader: RingReader
  readonly #intake: FrameIntake
  readonly #sink: AsyncSink
  readonly #sending: Required<SendingOptions>
  readonly #tell: (message: FromFlushThread) => void
  readonly #clock: SenderClock
  readonly #open = new OpenFrames()
  readonly #ways: readonly BatchQueue[]
  readonly #permits: SendPermits
  readonly #pauses = new Set<() => void>()
  /* Bytes that were read and are not settled. */
  #bytes = 0
  /* TAIL, as this thread has left it. */
  #tail: number
  /* Counts up when all that was read is given up, because somebody else has it. */
  #generation = 0
  #hurriedTo: number
  #spoolRests = false
  #wake: (() => void) | undefined
  #stopped = false

  constructor(
    shared: SharedArrayBuffer,
    payloads: PayloadSource,
    sink: AsyncSink,
    instance: string,
    tell: (message: FromFlushThread) => void,
    spill?: SpillPlace,
    clock = CLOCK,
  ) {
    const memory = new QueueMemory(shared)
    this.#memory = memory
    this.#reader = new RingReader(memory)
    this.#sink = sink
    this.#sending = resolveSending(sink.sending)
    this.#tell = tell
    this.#clock = clock
    const spilled = spill && new SpilledLines(memory, spill, (notice) => tell({ notice }))
    this.#intake = new FrameIntake(memory, this.#reader, new FrameLines(payloads), spilled, instance)
    const { mode, maxInFlight } = this.#sending
    this.#ways = Array.from({ length: mode === 'one-way' ? 1 : maxInFlight }, () => new BatchQueue(this.#sending))
    this.#permits = new SendPermits(maxInFlight, clock.after)
    this.#tail = this.#reader.tail
    this.#hurriedTo = this.#tail
  }

  /** Sends what comes until it is stopped; then gives up what is on its way. */
  async run(): Promise<void> {
    const { words } = this.#memory
    // Whoever waits for room takes a thread without a sign of life for dead, and an answer may take longer than that.
    const pulse = setInterval(() => this.#beat(), PULSE_MS).unref()
    while (!this.#stopped) {
      const heard = Atomics.load(words, WORD.bell)
      if (!this.#isOurs()) this.#giveUp()
      if (this.#isOurs()) {
        this.#readAhead()
        for (const way of this.#ways) if (this.#isDue(way)) this.#start(way)
        this.#prepareNext()
      }
      this.#tellIfReached()
      await this.#rest(heard)
    }
    clearInterval(pulse)
    await this.#sink.close()
  }

  /** Something is new. */
  ring(): void {
    this.#wake?.()
  }

  /** What has come may wait no longer, be it for more or before its next try. */
  hurry(): void {
    this.#hurriedTo = Atomics.load(this.#memory.words, WORD.head)
    for (const end of [...this.#pauses]) end()
    this.#wake?.()
  }

  /** Ends `run`. */
  stop(): void {
    this.#stopped = true
    this.hurry()
  }

  /* At the end of the process the thread that logs takes what is left into the spool, and the lock for that. */
  #isOurs(): boolean {
    return Atomics.load(this.#memory.words, WORD.owner) === OWNER.free && this.#reader.tail === this.#tail
  }

  #giveUp(): void {
    this.#generation++
    this.#open.clear()
    this.#bytes = 0
    for (const way of this.#ways) way.clear()
    if (Atomics.load(this.#memory.words, WORD.owner) !== OWNER.free) return
    this.#tail = this.#reader.tail
    this.#intake.rewind()
  }

  /* Of each way that is busy the next batch, so that it can go as soon as the receipt is there. */
  #prepareNext(): void {
    if (this.#sink.prepare === undefined) return
    for (const way of this.#ways) {
      const batch = way.makeReady()
      if (batch !== undefined) this.#sink.prepare(batch)
    }
  }

  /* As much as keeps all that may be on their way busy, and one batch more. */
  #readAhead(): void {
    while (this.#hasRoom && !this.#spoolRests) {
      const intake = this.#intake.next(this.#open.isEmpty)
      if (intake === undefined) return
      if (intake === 'resolved') this.#tail = this.#reader.tail
      else if ('failed' in intake) {
        if (intake.failed !== '') this.#tell({ failure: intake.failed, retried: true })
        this.#restSpool()
      } else this.#take(intake)
    }
  }

  get #hasRoom(): boolean {
    const { maxBatchBytes, maxInFlight } = this.#sending
    const isWanted = this.#sink.prepare !== undefined || this.#ways.some((way) => !way.busy)
    return isWanted && this.#bytes < maxBatchBytes * (maxInFlight + 1)
  }

  #restSpool(): void {
    this.#spoolRests = true
    void this.#pause(SPOOL_PAUSE_MS).then(() => {
      this.#spoolRests = false
      this.#wake?.()
    })
  }

  #take({ frame, batch, end }: Intake): void {
    const settled = this.#open.open(frame)
    if (batch === undefined) {
      // A line that was too large for the ring, and whose text never came.
      this.#tell({ failure: 'a line that is larger than the queue got lost', retried: false })
      this.#open.enter({ delivered: 0, rejected: frame.events, quarantined: 0, filtered: 0, spooled: 0, bytes: 0 })
      settled(frame.events)
      this.#resolve()
      return
    }
    this.#bytes += batch.lines.length
    const since = this.#clock.now()
    for (const [way, some] of this.#byWay(batch)) {
      for (const piece of cut(some, this.#sending)) way.add({ batch: piece, end, since, settled })
    }
  }

  /* The events of each trace go one way, and those without a trace another one. */
  #byWay(batch: OutgoingBatch): Iterable<[BatchQueue, OutgoingBatch]> {
    const ways = this.#ways
    if (ways.length === 1) return [[ways[0] as BatchQueue, batch]]
    const indexes = new Map<BatchQueue, number[]>()
    batch.rows().forEach(({ traceId }, i) => {
      const way = ways[wayOf(traceId) % ways.length] as BatchQueue
      const of = indexes.get(way)
      if (of === undefined) indexes.set(way, [i])
      else of.push(i)
    })
    return [...indexes].map(([way, of]) => [way, batch.part(of)])
  }

  #isDue(way: BatchQueue): boolean {
    const { first } = way
    if (first === undefined || way.busy) return false
    if (way.isFull || this.#clock.now() - first.since >= this.#sending.lingerMs) return true
    const { words } = this.#memory
    const isWanted = (to: number): boolean => ((first.end - to) | 0) <= 0
    if (isWanted(this.#hurriedTo) || isWanted(Atomics.load(words, WORD.due))) return true
    return Atomics.load(words, WORD.wanted) !== 0 && isWanted(Atomics.load(words, WORD.target))
  }

  #start(way: BatchQueue): void {
    way.busy = true
    const { batch, parts } = way.take()
    void (this.#sending.mode === 'one-way' ? this.#sendOneWay(way, batch, parts) : this.#deliver(way, batch, parts))
  }

  async #deliver(way: BatchQueue, batch: OutgoingBatch, parts: readonly Part[]): Promise<void> {
    const generation = this.#generation
    const outcomes = await new Delivery(
      {
        sink: this.#sink,
        isOver: () => this.#stopped || generation !== this.#generation || !this.#isOurs(),
        onSend: () => this.#beat(),
        onTrouble: (failure, retried) => this.#trouble(failure, retried),
        pause: (ms) => this.#pause(ms),
      },
      batch,
    ).settle()
    way.busy = false
    if (outcomes !== undefined) this.#settle(generation, batch, parts, outcomes)
    this.#wake?.()
  }

  /* The way is free again as soon as there is a permit; the receipt only counts. */
  async #sendOneWay(way: BatchQueue, batch: OutgoingBatch, parts: readonly Part[]): Promise<void> {
    const generation = this.#generation
    const permit = await this.#permits.acquire(this.#sending.acquireTimeoutMs).catch((error: Error) => error)
    way.busy = false
    this.#wake?.()
    let outcomes: Outcomes | undefined
    if (permit instanceof Error) outcomes = this.#refused(batch, permit.message)
    else {
      this.#beat()
      const result = await sendOnce(this.#sink, batch)
      permit.release()
      outcomes = this.#outcomesOf(batch, result)
    }
    if (outcomes !== undefined) this.#settle(generation, batch, parts, outcomes)
    this.#wake?.()
  }

  /* Of a batch that is sent once; undefined if it was given up at the end. */
  #outcomesOf(batch: OutgoingBatch, result: BatchResult): Outcomes | undefined {
    const { events, lines } = batch
    if (result.outcome === 'delivered')
      return { delivered: events, rejected: 0, quarantined: 0, filtered: 0, spooled: 0, bytes: lines.length }
    if (result.outcome === 'partial') {
      const refused = batch.eventsAt([...result.rejected, ...result.retryable])
      const filtered = batch.eventsAt(result.filtered ?? [])
      if (refused === 0) return { delivered: events - filtered, rejected: 0, quarantined: 0, filtered, spooled: 0, bytes: 0 }
      return { ...this.#refused(batch, result.reason, refused), delivered: events - refused - filtered, filtered }
    }
    return this.#stopped && result.outcome === 'retryable' ? undefined : this.#refused(batch, result.reason)
  }

  #refused({ events }: OutgoingBatch, reason: string, rejected = events): Outcomes {
    this.#trouble(reason, false)
    return { delivered: events - rejected, rejected, quarantined: 0, filtered: 0, spooled: 0, bytes: 0 }
  }

  #settle(generation: number, batch: OutgoingBatch, parts: readonly Part[], outcomes: Outcomes): void {
    if (generation !== this.#generation || !this.#isOurs()) return
    this.#bytes -= batch.lines.length
    this.#open.enter(outcomes)
    for (const part of parts) part.settled(part.batch.events)
    this.#resolve()
    this.#tellIfReached()
  }

  #resolve(): void {
    if (this.#open.resolve() > 0) this.#tail = this.#reader.tail
  }

  #beat(): void {
    Atomics.add(this.#memory.words, WORD.beat, 1)
  }

  #trouble(failure: string, retried: boolean): void {
    if (retried) this.#memory.count(ACCOUNT.retried, 1)
    this.#tell({ failure, retried })
  }

  #tellIfReached(): void {
    const { words } = this.#memory
    if (Atomics.load(words, WORD.wanted) === 0) return
    if (((this.#reader.tail - Atomics.load(words, WORD.target)) | 0) < 0) return
    Atomics.store(words, WORD.wanted, 0)
    this.#tell({ reached: true })
  }

  /* Until there is something to do. New frames ring only if something could become of them now. */
  async #rest(heard: number): Promise<void> {
    if (this.#stopped) return
    const { words } = this.#memory
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const isOpen = this.#hasRoom && !this.#spoolRests
    if (isOpen) Atomics.store(words, WORD.waiting, 1)
    if (Atomics.load(words, WORD.bell) === heard || !isOpen) {
      const timer = this.#lingerTimer()
      await woken
      timer?.cancel()
    }
    this.#wake = undefined
    Atomics.store(words, WORD.waiting, 0)
  }

  #lingerTimer(): { cancel(): void } | undefined {
    const waiting = this.#ways.flatMap(({ busy, first }) => (busy || first === undefined ? [] : [first.since]))
    if (waiting.length === 0) return undefined
    const ms = Math.min(...waiting) + this.#sending.lingerMs - this.#clock.now()
    return this.#clock.after(Math.max(ms, 0), () => this.#wake?.())
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.#pauses.delete(end)
        resolve()
      }
      const timer = this.#clock.after(ms, end)
      this.#pauses.add(end)
    })
  }
}

/* Of a trace id the last digits are the random ones; see W3C Trace Context. */
function wayOf(traceId: string | undefined): number {
  return traceId === undefined ? 0 : Number.parseInt(traceId.slice(-8), 16) || 0
}
