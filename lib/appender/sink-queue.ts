import { runOutside } from '../context'
import { batchPosted, complain, counters, queueFull, threadDenied } from '../diagnostics'
import { LEVELS, type Level, type LogEvent, nextSequence, SEVERITY } from '../event'
import { destinationOf, isAsyncSink, type SinkSpec } from '../sinks'
import { cutEvent } from './cut-event'
import { FlushThread } from './flush-thread'
import type { Flusher } from './flusher'
import { InProcessFlusher } from './in-process-flusher'
import { InProcessSender } from './in-process-sender'
import type { SinkLedger } from './ledger'
import { type FlushResult, type QueueFull, tellListener } from './listeners'
import { Losses, type LossReason } from './losses'
import type { ResolvedAppenderOptions } from './options'
import { OutsideLines } from './outside-lines'
import { QueueRoom, type Verdict } from './queue-room'
import { RecordBatch } from './record-batch'
import type { RecordWriter } from './record-writer'
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
  WORD_BYTES,
} from './ring'

/* How long a call that waits gives the flush thread before it looks whether that still lives. */
const WAIT_SLICE_MS = 100
/* A flush thread that gives no sign of life for so long is dead, or stuck in the kernel. */
const LIFELESS_MS = 10_000
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
  readonly #writer: RecordWriter
  readonly #batch: RecordBatch
  readonly #memory: QueueMemory
  readonly #ring: RingWriter
  readonly #reader: RingReader
  readonly #outside = new OutsideLines()
  readonly #room: QueueRoom
  readonly #losses = new Losses()
  readonly #timer: NodeJS.Timeout
  /* Whether any level has a durability. */
  readonly #secures: boolean
  /* Opened with the first batch, so that a program that logs nothing starts no thread. */
  #flusher: Flusher | undefined
  #armed = false
  #entered = 0
  #highWater = 0
  #blockedMs = 0
  #durabilityMissed = 0
  #isFull = false

  constructor(spec: SinkSpec, writer: RecordWriter, options: ResolvedAppenderOptions) {
    this.#spec = spec
    this.#options = options
    this.#secures = Object.keys(options.durability).length > 0
    this.#writer = writer
    this.#batch = new RecordBatch(this.#writer)
    this.#memory = QueueMemory.create(options.queueBytes)
    this.#ring = new RingWriter(this.#memory)
    this.#reader = new RingReader(this.#memory)
    this.#room = new QueueRoom(options, this.#memory, this.#ring, this.#outside)
    // A timer keeps, and shows to whatever it calls, the flow in which it was made.
    this.#timer = runOutside(() => setTimeout(() => this.#onTimer(), options.flushIntervalMs).unref())
  }

  /** Takes an event, or discards and counts it. */
  append(event: LogEvent, seq: number): void {
    this.#entered++
    const text = this.#writer.write(event, seq)
    if (this.#room.isAmple(text.length)) this.#add(text, event.level, seq)
    else this.#addExactly(event, seq, text, 0)
    if (this.#secures && this.#options.durability[event.level] !== undefined) this.#secure(event.level)
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
      blockedMs: this.#blockedMs,
      durabilityMissed: this.#durabilityMissed,
      thread: this.#flusher instanceof FlushThread,
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

  #add(text: string, level: Level, seq: number, bytes?: number): void {
    if (this.#losses.isPending) this.#announceLoss()
    const batch = this.#batch
    batch.add(text, SEVERITY[level], seq, this.#flagsOf(level), bytes)
    this.#room.accept()
    if (batch.length >= this.#room.batchLength || batch.events >= this.#room.batchEvents) this.#post()
    else if (!this.#armed) this.#arm()
  }

  #arm(): void {
    this.#armed = true
    this.#timer.refresh()
  }

  /* The way of an event when room is scarce, or when it is large. */
  #addExactly(event: LogEvent, seq: number, text: string, cuts: number): void {
    const { maxEventBytes } = this.#options
    const bytes = Buffer.byteLength(text)
    if (bytes > maxEventBytes && cuts < 2) {
      const cut = cutEvent(event, bytes, maxEventBytes, cuts > 0)
      this.#addExactly(cut, seq, this.#writer.write(cut, seq), cuts + 1)
      return
    }
    if (this.#room.isOutside(this.#batch.frameBytesWith(bytes))) this.#post()
    if (this.#room.isOutside(this.#batch.frameBytesWith(bytes))) {
      this.#addOutside(event, seq)
      return
    }
    const discardable = SEVERITY[event.level] <= SEVERITY.info
    if (this.#letIn(event.level, seq, () => this.#room.verdict(this.#batch, bytes, discardable))) {
      this.#add(text, event.level, seq, bytes)
    }
  }

  #addOutside(event: LogEvent, seq: number): void {
    const line = this.#writer.line(event, seq)
    const bytes = Buffer.byteLength(line)
    const { level } = event
    const discardable = SEVERITY[level] <= SEVERITY.info
    const frame = padded(HEADER_BYTES + ROW.words * WORD_BYTES + TRACE_ID_BYTES)
    if (!this.#letIn(level, seq, () => this.#room.verdictOutside(bytes, frame, discardable))) return
    const payload = this.#outside.next
    const flusher = this.#opened()
    flusher.outside(payload, line)
    const severity = SEVERITY[level]
    const row = Int32Array.of(0, severity, 0, event.traceId === undefined ? -1 : 0)
    const content = { kind: FRAME.outside, flags: this.#flagsOf(level), events: 1, firstSeq: seq, severity, payload }
    const rows = { rows: row, rowWords: ROW.words, columns: NO_COLUMNS, columnCount: 0 }
    this.#ring.write({ ...content, ...rows, dictionary: event.traceId ?? '', text: '' }, Date.now())
    this.#outside.add(line, bytes, this.#ring.head)
    this.#room.accept()
    this.#handedOver(1, bytes)
  }

  #flagsOf(level: Level): number {
    return this.#secures && this.#options.durability[level] === 'disk' ? SYNC : 0
  }

  /* Applies the overflow policy: whether the event may come in, now or after a wait. One that may not is counted. */
  #letIn(level: Level, seq: number, verdict: () => Verdict): boolean {
    let found = verdict()
    if (found === 'room') return true
    this.#room.look()
    found = verdict()
    if (found === 'room') return true
    this.#tellFull()
    if (found === 'reserved') return this.#discard(level, seq, 'threshold')
    const { overflow } = this.#options
    if (overflow === 'drop-newest') return this.#discard(level, seq, 'full')
    return this.#waitFor(() => verdict() === 'room') || this.#discard(level, seq, 'timeout')
  }

  #waitFor(isThere: () => boolean): boolean {
    const { overflow, appendTimeoutMs } = this.#options
    const start = performance.now()
    const patience = overflow === 'block' ? Infinity : appendTimeoutMs
    this.#post()
    let there = isThere()
    let lastLife = start
    while (!there) {
      const now = performance.now()
      const rest = Math.min(start + patience, lastLife + LIFELESS_MS) - now
      if (rest <= 0) break
      const progress = this.#opened().waitForProgress(Math.min(rest, WAIT_SLICE_MS), overflow !== 'discard')
      if (progress === undefined) break
      if (progress) lastLife = performance.now()
      this.#room.look()
      there = isThere()
    }
    this.#blockedMs += performance.now() - start
    return there
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

  #announceLoss(): void {
    const event = this.#losses.announcement()
    const seq = nextSequence()
    const text = this.#writer.write(event, seq)
    const bytes = Buffer.byteLength(text)
    this.#room.look()
    if (this.#room.verdict(this.#batch, bytes, false) !== 'room') return
    this.#losses.announced()
    this.#isFull = false
    this.#entered++
    this.#add(text, event.level, seq, bytes)
  }

  /* Has what was just appended resolved, as its durability asks, or counts the miss. */
  #secure(level: Level): void {
    if (this.#spec.kind !== 'file') return
    const unsynced = this.#memory.counted(ACCOUNT.unsynced)
    this.#post()
    const target = this.#ring.head
    const start = performance.now()
    for (;;) {
      this.#ring.look()
      if (((this.#ring.tail - target) | 0) >= 0) break
      const rest = this.#options.appendTimeoutMs - (performance.now() - start)
      if (rest <= 0) {
        this.#missed(level)
        break
      }
      this.#opened().waitForProgress(rest, false)
    }
    this.#blockedMs += performance.now() - start
    if (this.#memory.counted(ACCOUNT.unsynced) > unsynced) this.#missed(level)
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
  #forfeit({ events, rows, rowWords, firstSeq }: FrameContent): void {
    for (let i = 0; i < events; i++) {
      const level = LEVEL_OF.get(rows[i * rowWords + ROW.severity] as number) as Level
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

function startFlusher(
  spec: SinkSpec,
  { thread, withoutThread, waitStrategy, flushIntervalMs }: ResolvedAppenderOptions,
  memory: QueueMemory,
  outside: OutsideLines,
): Flusher {
  if (!thread) {
    if (withoutThread !== undefined) threadDenied.publish({ sink: spec.kind, reason: withoutThread })
    return inProcess(spec, memory, outside)
  }
  try {
    return new FlushThread(spec, memory, outside, waitStrategy === 'poll' ? flushIntervalMs : Infinity)
  } catch (error) {
    const reason = `no worker can be started (${(error as Error).message})`
    threadDenied.publish({ sink: spec.kind, reason })
    complain('flush-thread', `${reason}; lines are written on the thread that logs`)
    return inProcess(spec, memory, outside)
  }
}

function inProcess(spec: SinkSpec, memory: QueueMemory, outside: OutsideLines): Flusher {
  return isAsyncSink(spec) ? new InProcessSender(spec, memory, outside) : new InProcessFlusher(spec, memory, outside)
}
