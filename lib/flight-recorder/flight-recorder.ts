import { runOutside } from '../context'
import { counters } from '../diagnostics'
import { captureEvent, type LogEvent, SEVERITY, SPAN_LOGGER } from '../event'
import { type KeptLine, keep, replayed } from './kept-line'
import type { FlightRecorderOptions } from './options'

/** The logger of the line that tells how many lines were not kept. */
export const RECORDER_LOGGER = 'tracelane.flight-recorder'

/** What is kept of one local part of a trace: the lines of one request in this process, in order. */
interface Recording {
  readonly traceId: string
  lines: KeptLine[]
  bytes: number
  /** When the last line came, by the recorder's own clock. */
  at: number
}

const SERVED: readonly unknown[] = ['server', 'consumer']

/**
 * Keeps lines that are not written, trace by trace, and gives them back when their trace fails.
 *
 *   record ──▶ kept ──┬─ a line that makes the trace fail, the end of a request that failed, a crash ──▶ replayed
 *                     ├─ the request ends well ──▶ forgotten
 *                     └─ a bound on lines, bytes or idle time ──▶ evicted
 *
 * Each line ends in exactly one of the three, all counted. A trace is known by its `local` object, the same for all lines of one request in
 * this process: two requests of one trace that run here at a time do not end each other. Never throws. Whoever made it closes it.
 */
export class FlightRecorder {
  /** Lines of this severity and above are kept. */
  readonly severity: number
  readonly #trigger: number
  readonly #failedWhen: ((event: LogEvent) => boolean) | undefined
  readonly #maxLines: number
  readonly #maxTraceBytes: number
  readonly #maxBytes: number
  readonly #maxIdleMs: number
  readonly #now: () => number
  /* In the order in which they began. */
  readonly #recordings = new Map<object, Recording>()
  /* Traces that have failed, so that what comes after is written too, and how many lines of a trace were evicted. */
  readonly #failed = new WeakSet<object>()
  readonly #missed = new WeakMap<object, number>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  /** From options that were checked; `now` is a clock in milliseconds. */
  constructor(options: FlightRecorderOptions = {}, now: () => number = () => performance.now()) {
    this.severity = SEVERITY[options.level ?? 'trace']
    this.#trigger = SEVERITY[options.trigger ?? 'error']
    this.#failedWhen = options.failedWhen
    this.#maxLines = options.maxLines ?? 256
    this.#maxTraceBytes = options.maxTraceBytes ?? 64 * 1024
    this.#maxBytes = options.maxBytes ?? 8 * 2 ** 20
    this.#maxIdleMs = options.maxIdleMs ?? 300_000
    this.#now = now
  }

  /** Keeps `event`, of a trace, as it is now. */
  record(event: LogEvent, local: object): void {
    const { traceId } = event
    if (traceId === undefined) return
    const line = keep(event)
    counters.eventsRecorded++
    // One line that is too large must not push out all the others.
    if (line.bytes > this.#maxTraceBytes) {
      this.#evicted(local, 1)
      return
    }
    let recording = this.#recordings.get(local)
    if (recording === undefined) {
      recording = { traceId, lines: [], bytes: 0, at: 0 }
      this.#recordings.set(local, recording)
    }
    recording.lines.push(line)
    recording.at = this.#now()
    this.#grow(recording, line.bytes)
    while (recording.lines.length > this.#maxLines || recording.bytes > this.#maxTraceBytes) this.#evictFirst(local, recording)
    while (this.#bytes > this.#maxBytes) this.#evictOldest()
    this.#watch()
  }

  /** Whether `event` makes its trace fail. */
  isFailure(event: LogEvent): boolean {
    return SEVERITY[event.level] >= this.#trigger || this.isFailedEnd(event)
  }

  /** Whether `event` is the end of a request or message that `failedWhen` calls failed. */
  isFailedEnd(event: LogEvent): boolean {
    if (this.#failedWhen === undefined || event.logger !== SPAN_LOGGER) return false
    const span = event.fields?.['span'] as { readonly kind?: unknown } | undefined
    return SERVED.includes(span?.kind) && this.#asked(this.#failedWhen, event)
  }

  /** The trace has failed: what was kept of it, to be written before the line that made it fail. */
  fail(local: object): LogEvent[] {
    this.#failed.add(local)
    return this.#replay(local)
  }

  /** The local part of a trace is over: what is still to be written of it, if it failed at any time. */
  end(local: object, failed: boolean): LogEvent[] {
    if (failed || this.#failed.has(local)) return this.#replay(local)
    counters.eventsForgotten += this.#take(local)?.lines.length ?? 0
    return []
  }

  /** What was kept of all traces, for a process that is about to end because of an error. */
  crash(): LogEvent[] {
    return [...this.#recordings.keys()].flatMap((local) => this.#replay(local))
  }

  /** Forgets everything; the lines count as evicted. */
  close(): void {
    for (const local of this.#recordings.keys()) counters.eventsEvicted += this.#take(local)?.lines.length ?? 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #replay(local: object): LogEvent[] {
    const missed = this.#missed.get(local)
    const recording = this.#take(local)
    if (recording === undefined) return []
    counters.eventsReplayed += recording.lines.length
    const events = recording.lines.map(replayed)
    if (missed === undefined) return events
    this.#missed.delete(local)
    const [first] = events
    return first === undefined ? events : [missing(missed, first), ...events]
  }

  #take(local: object): Recording | undefined {
    const recording = this.#recordings.get(local)
    if (recording === undefined) return undefined
    this.#recordings.delete(local)
    this.#bytes -= recording.bytes
    return recording
  }

  #grow(recording: Recording, bytes: number): void {
    recording.bytes += bytes
    this.#bytes += bytes
  }

  #evictFirst(local: object, recording: Recording): void {
    const line = recording.lines.shift()
    if (line === undefined) return
    this.#grow(recording, -line.bytes)
    this.#evicted(local, 1)
  }

  #evictOldest(): void {
    for (const local of this.#recordings.keys()) {
      this.#evicted(local, this.#take(local)?.lines.length ?? 0)
      return
    }
  }

  #evicted(local: object, lines: number): void {
    counters.eventsEvicted += lines
    this.#missed.set(local, (this.#missed.get(local) ?? 0) + lines)
  }

  #asked(failedWhen: (event: LogEvent) => unknown, event: LogEvent): boolean {
    try {
      const answer = failedWhen(event)
      if (typeof answer === 'boolean') return answer
    } catch {
      // Counted like an answer that is none
    }
    counters.userCallbackErrors++
    return false
  }

  #watch(): void {
    this.#timer ??= runOutside(() => setTimeout(() => this.#forgetIdle(), this.#maxIdleMs / 2).unref())
  }

  #forgetIdle(): void {
    this.#timer = undefined
    const since = this.#now() - this.#maxIdleMs
    for (const [local, { at }] of this.#recordings) if (at <= since) this.#evicted(local, this.#take(local)?.lines.length ?? 0)
    if (this.#recordings.size > 0) this.#watch()
  }
}

/* Sorts right before the first line that is left. */
function missing(count: number, first: LogEvent): LogEvent {
  const msg = `${count} lines of this trace were not kept`
  const note = captureEvent(undefined, { level: 'warn', logger: RECORDER_LOGGER, msg, fields: { notKept: count } })
  const { time, hlc, traceId, spanId } = first
  return { ...note, time, hlc, traceId, spanId, replayed: true }
}
