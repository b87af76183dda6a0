import { complain, counters } from '../diagnostics'
import { openSink, type Pause, type Sink, type SinkSpec } from '../sinks'
import type { Batch } from './batch'
import type { Flusher } from './flusher'
import { pauseUntil } from './pause'
import { deliver } from './worker/deliver'

const NO_WAIT: Pause = () => false

/** Writes on the thread that logs: where no worker can be started, or none is wanted (`thread: false`). */
export class InProcessFlusher implements Flusher {
  readonly #sink: Sink
  #waiting: Batch[] = []
  #delivered = 0
  #failed = 0

  constructor(spec: SinkSpec) {
    this.#sink = openSink(spec)
  }

  post(batch: Batch): void {
    this.#waiting.push(batch)
    this.#writeWaiting(NO_WAIT)
  }

  backlog(): { characters: number; events: number } {
    let characters = 0
    let events = 0
    for (const batch of this.#waiting) {
      characters += batch.text.length
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
    this.#sink.close()
  }

  /* A batch that could not be written whole is kept from where it stopped, and tried again with the next one. */
  #writeWaiting(pause: Pause): void {
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      const delivery = deliver(this.#sink, Buffer.from(batch.text), pause, () => {
        counters.writesRetried++
      })
      if (delivery.outcome === 'unfinished') {
        this.#waiting[0] = { text: delivery.rest.toString(), events: batch.events }
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
