import { runOutside } from '../context'
import { batchPosted, complain, counters } from '../diagnostics'
import { captureEvent, type Level, type LogEvent, nextSequence, SEVERITY } from '../event'
import type { Layout } from '../layout'
import type { SinkSpec } from '../sinks'
import type { FlushResult } from './batch'
import { FlushThread } from './flush-thread'
import type { Flusher } from './flusher'
import { InProcessFlusher } from './in-process-flusher'
import type { AsyncAppenderOptions } from './options'

/** A hand-over costs the same for one line as for many; beyond 64 KiB a batch gets dearer again (caches). */
const BATCH_CHARACTERS = 64 * 1024
/** The share of the queue that is kept free for warn and above: logback's discardingThreshold. */
const RESERVED_SHARE = 0.2

/**
 * The lines that wait for one sink: the batch that is being filled, and those that the flusher has not resolved yet.
 *
 * A line is finished, trace id included, before it gets here, so it does not matter in whose flow it is handed over or written.
 */
export class SinkQueue {
  readonly #spec: SinkSpec
  readonly #layout: Layout
  readonly #options: Required<AsyncAppenderOptions>
  readonly #reserved: number
  readonly #timer: NodeJS.Timeout
  /* Opened with the first batch, so that a program that logs nothing starts no thread. */
  #flusher: Flusher | undefined
  #text = ''
  #events = 0
  #armed = false
  /* What the flusher had not resolved when we last asked; it can only have become less. */
  #backlog = 0
  #discarded = 0
  #unannounced = new Map<Level, number>()

  constructor(spec: SinkSpec, layout: Layout, options: Required<AsyncAppenderOptions>) {
    this.#spec = spec
    this.#layout = layout
    this.#options = options
    this.#reserved = options.queueBytes * RESERVED_SHARE
    // A timer keeps, and shows to whatever it calls, the flow in which it was made.
    this.#timer = runOutside(() => setTimeout(() => this.#post(), options.flushIntervalMs).unref())
  }

  /** Takes an event, or discards and counts it. */
  append(event: LogEvent, seq: number): void {
    const line = this.#layout(event, seq)
    if (!this.#hasRoom(event.level, line.length)) {
      this.#discard(event.level)
      return
    }
    if (this.#unannounced.size > 0) this.#announceLoss()
    this.#add(line)
  }

  /** Resolves when what was appended before is written or refused, or at the deadline. */
  async flush(deadlineMs: number): Promise<void> {
    this.handOver()
    await this.#flusher?.settled(deadlineMs)
  }

  /** Hands over what waits, with the announcement of what was lost. */
  handOver(): void {
    if (this.#unannounced.size > 0) this.#announceLoss()
    this.#post()
  }

  /** `handOver` at the end of the process: a program that ends before its first hand-over needs no thread for it. */
  handOverAtEnd(): void {
    if (this.#events > 0) this.#flusher ??= new InProcessFlusher(this.#spec)
    this.handOver()
  }

  /** Writes what was handed over, blocking this thread up to `deadlineMs`. */
  drain(deadlineMs: number): void {
    this.#flusher?.drain(deadlineMs)
  }

  /** Ends the flush thread; what waits stays unwritten. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flusher?.close()
  }

  /** Counts since the queue was made. */
  counts(): FlushResult {
    const { delivered, failed } = this.#flusher?.outcome() ?? { delivered: 0, failed: 0 }
    const pending = this.#events + (this.#flusher?.backlog().events ?? 0)
    return { delivered, failed, discarded: this.#discarded, pending }
  }

  #post(): void {
    this.#armed = false
    if (this.#events === 0) return
    const batch = { text: this.#text, events: this.#events }
    this.#text = ''
    this.#events = 0
    this.#backlog += batch.text.length
    counters.batchesPosted++
    if (batchPosted.hasSubscribers) {
      batchPosted.publish({ sink: this.#spec.kind, events: batch.events, bytes: Buffer.byteLength(batch.text) })
    }
    this.#flusher ??= startFlusher(this.#spec, this.#options.thread)
    this.#flusher.post(batch)
  }

  #add(line: string): void {
    this.#text += line
    this.#events++
    if (this.#text.length >= BATCH_CHARACTERS) this.#post()
    else if (!this.#armed) {
      this.#armed = true
      this.#timer.refresh()
    }
  }

  #hasRoom(level: Level, size: number): boolean {
    if (this.#free() >= size + this.#reserved) return true
    const discardable = SEVERITY[level] <= SEVERITY.info
    const needed = discardable ? size + this.#reserved : size
    if (this.#free() >= needed) return true
    this.#backlog = this.#flusher?.backlog().characters ?? 0
    if (this.#free() >= needed) return true
    // What is larger than the whole queue is taken when nothing else waits.
    if (this.#free() === this.#options.queueBytes) return true
    return !discardable && this.#waitForRoom(size)
  }

  #waitForRoom(size: number): boolean {
    const deadline = Date.now() + this.#options.appendTimeoutMs
    this.#post()
    for (;;) {
      this.#backlog = this.#flusher?.backlog().characters ?? 0
      if (this.#free() >= size || this.#backlog === 0) return true
      const rest = deadline - Date.now()
      if (rest <= 0) return false
      this.#flusher?.waitForProgress(rest)
    }
  }

  #free(): number {
    return this.#options.queueBytes - this.#text.length - this.#backlog
  }

  #discard(level: Level): void {
    this.#discarded++
    counters.eventsDiscarded++
    this.#unannounced.set(level, (this.#unannounced.get(level) ?? 0) + 1)
  }

  #announceLoss(): void {
    const discarded = Object.fromEntries(this.#unannounced)
    const total = [...this.#unannounced.values()].reduce((sum, count) => sum + count, 0)
    this.#unannounced = new Map()
    const msg = `${total} events were discarded because the queue was full`
    const event = captureEvent(undefined, { level: 'warn', logger: 'tracelane.appender', msg, fields: { discarded } })
    this.#add(this.#layout(event, nextSequence()))
  }
}

function startFlusher(spec: SinkSpec, thread: boolean): Flusher {
  if (!thread) return new InProcessFlusher(spec)
  try {
    return new FlushThread(spec)
  } catch (error) {
    complain('flush-thread', `no worker can be started (${(error as Error).message}); lines are written on the thread that logs`)
    return new InProcessFlusher(spec)
  }
}
