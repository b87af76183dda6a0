import { runOutside } from '../context'
import { complain, counters } from '../diagnostics'
import { openSink, type Pause, type Sink, type SinkSpec } from '../sinks'
import type { Batch } from './batch'
import type { Flusher } from './flusher'
import { pauseUntil } from './pause'
import { deliver } from './worker/deliver'

const NO_WAIT: Pause = () => false
const FIRST_RETRY_MS = 20
const MAX_RETRY_MS = 2_000

/* What is still to be written of a batch. Bytes, because a write may stop inside a character. */
interface Waiting {
  readonly bytes: Buffer
  readonly characters: number
  readonly events: number
}

/**
 * Writes on the thread that logs: where no worker can be started, or none is wanted (`thread: false`).
 *
 * What the sink does not take at once is tried again with the next batch, and after pauses that grow while nothing moves.
 */
export class InProcessFlusher implements Flusher {
  readonly #sink: Sink
  #waiting: Waiting[] = []
  #retry: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS
  #delivered = 0
  #failed = 0

  constructor(spec: SinkSpec) {
    this.#sink = openSink(spec)
  }

  post(batch: Batch): void {
    this.#waiting.push({ bytes: Buffer.from(batch.text), characters: batch.text.length, events: batch.events })
    this.#writeWaiting(NO_WAIT)
    this.#retryLater()
  }

  backlog(): { characters: number; events: number } {
    let characters = 0
    let events = 0
    for (const batch of this.#waiting) {
      characters += batch.characters
      events += batch.events
    }
    return { characters, events }
  }

  outcome(): { delivered: number; failed: number } {
    return { delivered: this.#delivered, failed: this.#failed }
  }

  waitForProgress(ms: number): boolean {
    const before = this.#waiting.length
    this.#writeWaiting(pauseUntil(Date.now() + ms))
    return this.#waiting.length < before
  }

  async settled(deadlineMs: number): Promise<void> {
    this.drain(deadlineMs)
  }

  drain(deadlineMs: number): void {
    this.#writeWaiting(pauseUntil(Date.now() + deadlineMs))
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry)
    this.#sink.close()
  }

  #retryLater(): void {
    if (this.#waiting.length === 0) this.#retryMs = FIRST_RETRY_MS
    else if (this.#retry === undefined) this.#retry = runOutside(() => setTimeout(() => this.#tryAgain(), this.#retryMs).unref())
  }

  #tryAgain(): void {
    this.#retry = undefined
    const [before, batches] = [this.#waiting[0]?.bytes.length, this.#waiting.length]
    this.#writeWaiting(NO_WAIT)
    // A reader that is slow, but reads, is no reason to come less often.
    const moved = this.#waiting.length < batches || this.#waiting[0]?.bytes.length !== before
    this.#retryMs = moved ? FIRST_RETRY_MS : Math.min(this.#retryMs * 2, MAX_RETRY_MS)
    this.#retryLater()
  }

  /* A batch that could not be written whole is kept from where it stopped, and tried again with the next one. */
  #writeWaiting(pause: Pause): void {
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      const delivery = deliver(this.#sink, batch.bytes, pause, () => {
        counters.writesRetried++
      })
      if (delivery.outcome === 'unfinished') {
        this.#waiting[0] = { ...batch, bytes: delivery.rest }
        complain('sink', `a sink cannot write: ${delivery.reason}; it will be tried again`)
        return
      }
      this.#waiting.shift()
      if (delivery.outcome === 'delivered') this.#delivered += batch.events
      else {
        this.#failed += batch.events
        complain('sink', `a sink refused ${batch.events} events: ${delivery.reason}`)
      }
    }
  }
}
