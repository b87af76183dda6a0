import { runOutside } from '../context'
import { batchPosted, complain, counters, queueFull } from '../diagnostics'
import { LEVELS, type Level, type LogEvent, nextSequence, SEVERITY } from '../event'
import { destinationOf, isAsyncSink, type SinkSpec } from '../sinks'
import { cutEvent } from './cut-event'
import type { EventBatch } from './event-batch'
import type { Flusher } from './flusher'
import { InProcessFlusher } from './in-process-flusher'
import type { SinkLedger } from './ledger'
import { type FlushResult, type QueueFull, tellListener } from './listeners'
import { Losses, type LossReason } from './losses'
import type { ResolvedAppenderOptions } from './options'
import { OutsideLines } from './outside-lines'
import { Patience } from './patience'
import { QueueRoom, type Verdict } from './queue-room'
import {
  ACCOUNT,
  FRAME,
  type FrameContent,
  HEADER_BYTES,
  padded,
  QueueMemory,
  RingReader,
  RingWriter,
  ROW,
  SYNC,
  TRACE_ID_BYTES,
} from './ring'
import { startFlusher } from './start-flusher'

const NO_COLUMNS = new Float64Array(0)
const LEVEL_OF = new Map(LEVELS.map((level) => [SEVERITY[level], level]))

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
  readonly #timer: NodeJS.Timeout
  readonly #patience: Patience
  /* Whether any level has a durability. */
  readonly #secures: boolean
  /* Opened with the first batch, so that a program that logs nothing starts no thread. */
  #flusher: Flusher | undefined
  #armed = false
  #entered = 0
  #highWater = 0
  #durabilityMissed = 0
  #isFull = false
  #records = 0
  /* The number of the next announcement, taken when one was first tried; and where TAIL was when there was no room for it. */
  #announcementSeq: number | undefined
  #deniedAt: number | undefined
  #deniedInfoAt: number | undefined

  constructor(spec: SinkSpec, batch: EventBatch, options: ResolvedAppenderOptions) {
    this.#spec = spec
    this.#options = options
    this.#secures = Object.keys(options.durability).length > 0
    this.#batch = batch
    this.#memory = QueueMemory.create(options.queueBytes)
    this.#ring = new RingWriter(this.#memory)
    this.#reader = new RingReader(this.#memory)
    this.#room = new QueueRoom(options, this.#memory, this.#ring, this.#outside)
    this.#patience = new Patience(this.#memory, options)
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
    if (this.#secures && this.#options.durability[event.level] !== undefined) this.#secure(event.level, isIn)
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

  /** Hands over what waits, with the announcement of what was lost if there is room for it. */
  handOver(): void {
    if (this.#losses.isPending) this.#announceLoss()
    this.#post()
  }

  /** `handOver` at the end of the process: a program that ends before its first hand-over needs no thread for it. */
  handOverAtEnd(): void {
    if (this.#batch.events > 0 && !isAsyncSink(this.#spec)) {
      this.#flusher ??= new InProcessFlusher(this.#spec, this.#memory, this.#outside)
    }
    this.handOver()
  }

  /** Writes what was handed over, blocking this thread up to `deadlineMs`. */
  drain(deadlineMs: number): void {
    const deadline = Date.now() + deadlineMs
    this.#flusher?.drain(deadlineMs)
    if (!this.#losses.isPending) return
    this.handOver()
    this.#flusher?.drain(Math.max(deadline - Date.now(), 0))
  }

  /** Ends the flush thread; what waits stays unwritten. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flusher?.close()
  }

  /** Counts since the queue was made. */
  counts(): FlushResult {
    const delivered = this.#memory.counted(ACCOUNT.delivered)
    const failed = this.#memory.counted(ACCOUNT.rejected)
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
      spooled: memory.counted(ACCOUNT.spooled),
      inFlight: this.#inFlight,
      retried: memory.retries,
      bytes: memory.counted(ACCOUNT.bytes),
      queuedBytes: this.#queuedBytes(),
      highWaterBytes: this.#highWater,
      lagMs: oldest === undefined ? 0 : Math.max(Date.now() - oldest, 0),
      blockedMs: this.#patience.blockedMs,
      durabilityMissed: this.#durabilityMissed,
      thread: this.#flusher?.isThread ?? false,
    }
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
    this.#batch.add(SEVERITY[level], seq, this.#flagsOf(level))
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
    const severity = SEVERITY[level]
    const rows = Int32Array.of(line.length, severity, 0, traceId === undefined ? -1 : 0)
    const frame = padded(HEADER_BYTES + rows.byteLength + TRACE_ID_BYTES)
    const isIn = this.#letIn(event, seq, () => {
      // What came before it may not be overtaken.
      this.#post()
      return this.#room.verdictOutside(bytes, frame, severity <= SEVERITY.info)
    })
    if (!isIn) return false
    const payload = this.#outside.next
    this.#opened().outside(payload, line)
    const about = { kind: FRAME.outside, flags: this.#flagsOf(level), events: 1, firstSeq: seq, severity, payload }
    const table = { rows, rowWords: rows.length, columns: NO_COLUMNS }
    this.#ring.write({ ...about, ...table, dictionary: traceId ?? '', text: '' }, Date.now())
    this.#outside.add(line, bytes, this.#ring.head)
    this.#room.accept()
    this.#handedOver(1, bytes)
    return true
  }

  #flagsOf(level: Level): number {
    return this.#secures && this.#options.durability[level] === 'disk' ? SYNC : 0
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
    if (verdict() === 'room') return undefined
    const found = look()
    if (found === 'room') return undefined
    const records = this.#records
    this.#tellFull()
    // A listener has logged: the last record is one of its own.
    if (this.#records !== records) this.#record(event, seq)
    if (found === 'reserved') return 'threshold'
    if (this.#options.overflow === 'drop-newest') return 'full'
    this.#post()
    return this.#patience.wait('room', this.#opened(), () => look() === 'room') ? undefined : 'timeout'
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
    const { destination, lagMs } = this.ledger()
    const events = this.#inFlight
    const bytes = this.#queuedBytes()
    const large = bytes / Math.max(events, 1) > this.#options.queueBytes / 64
    const cause = large ? 'large-events' : lagMs > 2 * this.#options.flushIntervalMs ? 'slow-sink' : 'burst'
    const full: QueueFull = { destination, bytes, events, lagMs, cause }
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

  /* Has what was just appended resolved, as its durability asks, or counts the miss. */
  #secure(level: Level, isIn: boolean): void {
    if (this.#spec.kind !== 'file') return
    const memory = this.#memory
    const unsafe = (): number => memory.counted(ACCOUNT.unsynced) + memory.counted(ACCOUNT.rejected)
    const before = unsafe()
    if (isIn) this.#post()
    const target = this.#ring.head
    const isResolved = (): boolean => {
      this.#ring.look()
      return ((this.#ring.tail - target) | 0) >= 0
    }
    if (!isIn || !this.#patience.wait('safety', this.#opened(), isResolved) || unsafe() > before) this.#missed(level)
  }

  #missed(level: Level): void {
    this.#durabilityMissed++
    complain('durability', `an event of level ${level} was not as safe as its durability asks when its log call returned`)
  }

  #post(): void {
    if (this.#batch.events === 0) return
    const content = this.#batch.take()
    if (this.#ring.write(content, Date.now())) this.#handedOver(content.events, content.text.length)
    else this.#forfeit(content)
  }

  /* There was room for each of these events when it came, so this does not happen; if it does all the same, it is counted. */
  #forfeit({ events, rows, rowWords, firstSeq, severity }: FrameContent): void {
    for (let i = 0; i < events; i++) {
      // Captured events have no rows.
      const level = LEVEL_OF.get(rowWords === 0 ? severity : (rows[i * rowWords + ROW.severity] as number)) as Level
      this.#discard(level, firstSeq, 'full')
    }
    this.#room.forfeit(events)
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
    this.#flusher ??= startFlusher(this.#spec, this.#options, this.#memory, this.#outside)
    return this.#flusher
  }
}
