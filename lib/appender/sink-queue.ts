import { runOutside } from '../context'
import { batchPosted, counters, queueFull } from '../diagnostics'
import { type Level, type LogEvent, nextSequence, SEVERITY } from '../event'
import { destinationOf, isAsyncSink, type SinkSpec, spooledBelow } from '../sinks'
import { cutEvent } from './cut-event'
import { Durability } from './durability'
import type { EventBatch } from './event-batch'
import type { Flusher } from './flusher'
import { InProcessFlusher } from './in-process-flusher'
import { keepRest } from './keep-rest'
import type { SinkLedger } from './ledger'
import { levelsOf, lineFrame, OUTSIDE_FRAME_BYTES, outsideFrame } from './line-frame'
import { type FlushResult, tellListener } from './listeners'
import { Losses, type LossReason } from './losses'
import type { ResolvedAppenderOptions } from './options'
import { OutsideLines } from './outside-lines'
import { Patience } from './patience'
import { fullOf } from './queue-full'
import { QueueRoom, type Verdict } from './queue-room'
import { ACCOUNT, type FrameContent, QueueMemory, RingReader, RingWriter } from './ring'
import { SPILLED, Spill, type SpillCounts } from './spill'
import { startFlusher } from './start-flusher'

const NOT_SPOOLED: SpillCounts = { spooled: 0, recovered: 0, damaged: 0 }

/**
 * The lines that wait for one sink: the batch that is being gathered, and the frames in the ring that the flusher has not resolved yet.
 *
 * A record is finished, trace id included, before it gets here, so it does not matter in whose flow it is handed over or written.
 */
export class SinkQueue {
  readonly #spec: SinkSpec
  readonly #options: ResolvedAppenderOptions
  #batch: EventBatch
  /* The batch that makes a record now. */
  #recording: EventBatch | undefined
  readonly #memory: QueueMemory
  readonly #ring: RingWriter
  readonly #reader: RingReader
  readonly #outside = new OutsideLines()
  readonly #room: QueueRoom
  readonly #losses = new Losses()
  readonly #spill: Spill | undefined
  readonly #timer: NodeJS.Timeout
  readonly #patience: Patience
  /* Undefined if no level has one. */
  readonly #durability: Durability | undefined
  /* Opened with the first batch, so that a program that logs nothing starts no thread. */
  #flusher: Flusher | undefined
  #armed = false
  #entered = 0
  #highWater = 0
  #isFull = false
  #records = 0
  /* The number of the next announcement, taken when one was first tried; and where TAIL was when there was no room for it. */
  #announcementSeq: number | undefined
  #deniedAt: number | undefined
  #deniedInfoAt: number | undefined

  constructor(spec: SinkSpec, batch: EventBatch, options: ResolvedAppenderOptions) {
    this.#spec = spec
    this.#options = options
    this.#batch = batch
    this.#memory = QueueMemory.create(options.queueBytes)
    this.#ring = new RingWriter(this.#memory)
    this.#reader = new RingReader(this.#memory)
    this.#room = new QueueRoom(options, this.#memory, this.#ring, this.#outside)
    this.#patience = new Patience(this.#memory, options)
    this.#durability = Durability.of(spec, options, this.#memory, this.#ring)
    this.#spill = options.spool && Spill.open(this.#memory, destinationOf(spec), options.spool)
    // What an earlier process has left comes before what this one says.
    if ((this.#spill?.counts().recovered ?? 0) > 0) this.#beginSpill()
    // A timer keeps, and shows to whatever it calls, the flow in which it was made.
    this.#timer = runOutside(() => setTimeout(() => this.#onTimer(), options.flushIntervalMs).unref())
  }

  /** Takes an event, or discards and counts it. */
  append(event: LogEvent, seq: number): void {
    // Getters of what is logged may log too, or flush, or end the process: all of that happens before this event is here.
    if (this.#losses.isPending) this.#announceLoss(event.level)
    const size = this.#record(event, seq)
    this.#entered++
    let isIn = true
    if (this.#room.isAmple(size)) this.#add(event.level, seq)
    else isIn = this.#addExactly(event, seq, 0)
    if (this.#durability?.asks(event.level) === true) this.#secure(this.#durability, event.level, isIn)
  }

  /** Resolves when what was appended before is resolved, or at the deadline. */
  async flush(deadlineMs: number): Promise<void> {
    const deadline = Date.now() + deadlineMs
    this.handOver()
    await this.#flusher?.settled(deadlineMs)
    if (!this.#losses.isPending) return
    this.handOver()
    await this.#flusher?.settled(Math.max(deadline - Date.now(), 0))
  }

  /** Hands over what waits, with news of what was lost if there is room; at the end of a trace it keeps its time, because a frame for each request costs more. */
  handOver(ending?: 'task' | 'trace'): void {
    if (ending !== 'trace' && this.#losses.isPending) this.#announceLoss()
    if (ending !== 'trace') this.#post()
    if (ending !== undefined) this.#flusher?.ended?.(this.#batch.events > 0)
  }

  /** `handOver` at the end of the process: a program that ends before its first hand-over needs no thread for it. */
  handOverAtEnd(): void {
    if (this.#batch.events > 0 && !isAsyncSink(this.#spec)) {
      this.#flusher ??= new InProcessFlusher(this.#spec, this.#memory, this.#outside, this.#spill?.place)
    }
    this.handOver()
  }

  /** Writes what was handed over, blocking this thread up to `deadlineMs`. */
  drain(deadlineMs: number): void {
    const deadline = Date.now() + deadlineMs
    this.#flusher?.drain(deadlineMs)
    if (this.#losses.isPending) {
      this.handOver()
      this.#flusher?.drain(Math.max(deadline - Date.now(), 0))
    }
  }

  /** Puts what is still there into the spool, if there is one: the process ends now, or the flush thread has ended, so that this one is `alone`. */
  keepRest(alone = isAsyncSink(this.#spec)): void {
    if (this.#spill !== undefined && !this.#reader.isEmpty) keepRest(this.#memory, this.#outside, this.#spill, alone)
  }

  /** Ends the flush thread; what waits stays unwritten. What other isolates have handed to that thread gets `graceMs`. */
  async close(graceMs: number): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flusher?.close(graceMs)
    this.keepRest(true)
    this.#spill?.close()
  }

  /** Counts since the queue was made. */
  counts(): FlushResult {
    const delivered = this.#memory.counted(ACCOUNT.delivered)
    const failed = this.#memory.counted(ACCOUNT.rejected) + this.#memory.counted(ACCOUNT.quarantined)
    return { delivered, failed, discarded: this.#losses.total, pending: this.#inFlight }
  }

  /** The account of this sink, as it is now. */
  ledger(): SinkLedger {
    const memory = this.#memory
    const oldest = this.#reader.oldestTime()
    return {
      destination: destinationOf(this.#spec),
      entered: this.#entered,
      delivered: memory.counted(ACCOUNT.delivered),
      discarded: this.#losses.counts(),
      discardedTotal: this.#losses.total,
      rejected: memory.counted(ACCOUNT.rejected),
      ...{ quarantined: memory.counted(ACCOUNT.quarantined), filtered: memory.counted(ACCOUNT.filtered) },
      ...this.#spooled(),
      inFlight: this.#inFlight,
      retried: memory.retries,
      bytes: memory.counted(ACCOUNT.bytes),
      queuedBytes: this.#queuedBytes(),
      highWaterBytes: this.#highWater,
      lagMs: oldest === undefined ? 0 : Math.max(Date.now() - oldest, 0),
      blockedMs: this.#patience.blockedMs,
      durabilityMissed: this.#durability?.missed ?? 0,
      thread: this.#flusher?.isThread ?? false,
    }
  }

  /* In the spool of the queue, and in those of decorators. */
  #spooled(): SpillCounts {
    const own = this.#spill?.counts() ?? NOT_SPOOLED
    const { spooled, recovered, damaged } = spooledBelow(this.#spec)
    return { spooled: own.spooled + spooled, recovered: own.recovered + recovered, damaged: own.damaged + damaged }
  }

  get #inFlight(): number {
    return this.#batch.events + this.#reader.pendingEvents()
  }

  #queuedBytes(): number {
    this.#room.look()
    return this.#room.usedBytes + (this.#batch.events > 0 ? this.#batch.frameBytes() : 0)
  }

  #onTimer(): void {
    this.#armed = false
    this.#post()
  }

  #record(event: LogEvent, seq: number): number {
    this.#records++
    if (this.#recording === this.#batch) this.#goInside()
    const batch = this.#batch
    const outer = this.#recording
    this.#recording = batch
    try {
      return batch.record(event, seq)
    } finally {
      this.#recording = outer
      if (this.#batch !== batch) {
        this.#post()
        this.#batch = batch
      }
    }
  }

  /* A getter of what is logged logs: what it says comes before the record that is being made, and may have to be handed over before that is done. */
  #goInside(): void {
    const inner = this.#batch.inner()
    if (inner === this.#batch) return
    this.#post()
    this.#batch = inner
  }

  /* Adds the last record. */
  #add(level: Level, seq: number): void {
    this.#batch.add(SEVERITY[level], seq, this.#durability?.flagsOf(level) ?? 0)
    this.#room.accept()
    if (this.#room.isComplete(this.#batch)) this.#post()
    else if (!this.#armed) this.#arm()
  }

  #arm(): void {
    this.#armed = true
    this.#timer.refresh()
  }

  /* The way of an event when room is scarce, or when it is large; false if it is not taken. */
  #addExactly(event: LogEvent, seq: number, cuts: number, uncut?: number): boolean {
    const { maxEventBytes } = this.#options
    const bytes = this.#batch.recordBytes()
    if (bytes > maxEventBytes && cuts < 2) {
      const cut = cutEvent(event, uncut ?? bytes, maxEventBytes, cuts > 0)
      this.#record(cut, seq)
      return this.#addExactly(cut, seq, cuts + 1, uncut ?? bytes)
    }
    if (this.#room.isOutside(this.#batch.frameBytesWith())) this.#post()
    if (this.#room.isOutside(this.#batch.frameBytesWith())) return this.#addOutside(event, seq)
    const discardable = SEVERITY[event.level] <= SEVERITY.info
    const isIn = this.#letIn(event, seq, () => {
      if (this.#room.isOutside(this.#batch.frameBytesWith())) this.#post()
      return this.#room.verdict(this.#batch, discardable)
    })
    if (isIn) this.#add(event.level, seq)
    return isIn
  }

  #addOutside(event: LogEvent, seq: number): boolean {
    const { level, traceId } = event
    const line = this.#batch.line(event, seq)
    const bytes = Buffer.byteLength(line)
    const about = { level, seq, traceId, flags: this.#durability?.flagsOf(level) ?? 0 }
    const isIn = this.#letIn(event, seq, () => {
      // What came before it may not be overtaken.
      this.#post()
      return this.#room.verdictOutside(bytes, OUTSIDE_FRAME_BYTES, SEVERITY[level] <= SEVERITY.info)
    })
    if (!isIn) return false
    this.#room.accept()
    if (this.#spillOver(lineFrame(about, line))) return true
    const payload = this.#outside.next
    this.#opened().outside(payload, line)
    this.#ring.write(outsideFrame(about, payload), Date.now())
    this.#outside.add(line, bytes, this.#ring.head)
    this.#handedOver(1, bytes)
    return true
  }

  #secure(durability: Durability, level: Level, isIn: boolean): void {
    durability.secure(level, isIn, this.#patience, () => {
      this.#post()
      return this.#opened()
    })
  }

  /* Applies the overflow policy: whether the event may come in, now or after a wait. One that may not is counted. */
  #letIn(event: LogEvent, seq: number, verdict: () => Verdict): boolean {
    const refusal = this.#refusal(event, seq, verdict)
    return refusal === undefined || this.#discard(event.level, seq, refusal)
  }

  #refusal(event: LogEvent, seq: number, verdict: () => Verdict): LossReason | undefined {
    const look = (): Verdict => {
      this.#room.look()
      return verdict()
    }
    if (this.#spill?.isOpen === true || verdict() === 'room') return undefined
    const found = look()
    if (found === 'room') return undefined
    const records = this.#records
    this.#tellFull()
    // A listener has logged: the last record is one of its own.
    if (this.#records !== records) this.#record(event, seq)
    if (found === 'reserved') return 'threshold'
    if (this.#options.overflow === 'drop-newest') return 'full'
    if (this.#options.overflow === 'spill') return this.#beginSpill() ? undefined : 'full'
    this.#post()
    if (this.#patience.wait('room', this.#opened(), () => look() === 'room')) return undefined
    return this.#beginSpill() ? undefined : 'timeout'
  }

  /* From now on events go past the ring, until the spool is empty again; false if there is none. */
  #beginSpill(): boolean {
    if (this.#spill === undefined) return false
    this.#post()
    if (!this.#spill.isOpen && !this.#spill.begin(() => this.#ring.write(SPILLED, Date.now()))) return false
    this.#opened().posted()
    return true
  }

  /* Puts a batch, or one large line, into the spool; false if events do not go there now. */
  #spillOver(content: FrameContent): boolean {
    if (this.#spill?.hasKept === true) this.#beginSpill()
    const outcome = this.#spill?.isOpen === true ? this.#spill.append(content) : 'closed'
    if (outcome === 'closed') return false
    if (outcome === 'refused') this.#forfeit(content, 'spool')
    else this.#room.forfeit(content.events)
    this.#opened().posted()
    return true
  }

  #discard(level: Level, seq: number, reason: LossReason): false {
    this.#losses.count(level, reason, seq)
    counters.eventsDiscarded++
    return false
  }

  /* Once in each spell of fullness, which ends with the announcement of what it cost. */
  #tellFull(): void {
    if (this.#isFull) return
    this.#isFull = true
    const full = fullOf(this.ledger(), this.#options)
    queueFull.publish(full)
    tellListener(this.#options.onFull, full)
  }

  /*
   * Puts the line about what was lost into the stream, if there is room for it: `before` an event of that level only if there is room for that one
   * too, or else what little there is would go to announcements; and not again until something has moved.
   */
  #announceLoss(before?: Level): void {
    this.#room.look()
    const discardable = before !== undefined && SEVERITY[before] <= SEVERITY.info
    const denied = discardable ? this.#deniedInfoAt : this.#deniedAt
    if (before !== undefined && this.#ring.tail === denied) return
    const event = this.#losses.announcement()
    this.#announcementSeq ??= nextSequence()
    this.#record(event, this.#announcementSeq)
    if (this.#room.isOutside(this.#batch.frameBytesWith())) this.#post()
    if (this.#room.verdict(this.#batch, discardable, before === undefined ? 0 : 1) !== 'room') {
      this.#deniedInfoAt = this.#ring.tail
      if (!discardable) this.#deniedAt = this.#ring.tail
      return
    }
    this.#losses.announced()
    this.#isFull = false
    this.#entered++
    this.#add(event.level, this.#announcementSeq)
    this.#announcementSeq = undefined
  }

  #post(): void {
    if (this.#batch.events === 0) return
    const content = this.#batch.take()
    if (this.#spillOver(content)) return
    if (this.#ring.write(content, Date.now())) this.#handedOver(content.events, content.text.length)
    else this.#forfeit(content, 'full')
  }

  /* Gives a batch up that the spool refused. In the ring there was room for each event when it came, so there it does not happen. */
  #forfeit(content: FrameContent, reason: LossReason): void {
    for (const level of levelsOf(content)) this.#discard(level, content.firstSeq, reason)
    this.#room.forfeit(content.events)
  }

  #handedOver(events: number, length: number): void {
    this.#room.look()
    const { usedBytes } = this.#room
    this.#highWater = Math.max(this.#highWater, usedBytes)
    if (this.#isFull && !this.#losses.isPending && usedBytes < this.#options.queueBytes / 2) this.#isFull = false
    counters.batchesPosted++
    if (batchPosted.hasSubscribers) batchPosted.publish({ sink: this.#spec.kind, events, bytes: length })
    this.#opened().posted()
  }

  #opened(): Flusher {
    this.#flusher ??= startFlusher(this.#spec, this.#options, this.#memory, this.#outside, this.#spill?.place)
    return this.#flusher
  }
}
