import { runOutside } from '../context'
import { complain, counters } from '../diagnostics'
import { destinationOf, openSink, type Pause, type Sink, type SinkSpec } from '../sinks'
import type { OwnFlusher } from './flusher'
import type { OutsideLines } from './outside-lines'
import { pauseUntil } from './pause'
import { type QueueMemory, WORD } from './ring'
import type { SpillPlace } from './spill-place'
import { takeOver, tryLock, unlock, type WritableRing } from './take-over'

const NO_WAIT: Pause = () => false
const FIRST_RETRY_MS = 20
const MAX_RETRY_MS = 2_000

/**
 * Writes on the thread that logs: where no worker can be started, or none is wanted (`thread: false`).
 *
 * What the sink does not take at once is tried again with the next batch, and after pauses that grow while nothing moves.
 */
export class InProcessFlusher implements OwnFlusher {
  readonly isThread = false
  readonly #destination: string
  readonly #sink: Sink
  readonly #memory: QueueMemory
  readonly #ring: WritableRing
  #retry: NodeJS.Timeout | undefined
  #retryMs = FIRST_RETRY_MS

  constructor(spec: SinkSpec, memory: QueueMemory, outside: OutsideLines, spill?: SpillPlace) {
    this.#destination = destinationOf(spec)
    this.#sink = openSink(spec)
    this.#memory = memory
    this.#ring = { memory, payloads: (payload) => outside.text(payload), spill }
  }

  posted(): void {
    this.#write(NO_WAIT)
    this.#retryLater()
  }

  outside(): void {
    // It is found among the lines that are kept anyway.
  }

  waitForProgress(ms: number): boolean {
    const before = this.#position
    this.#write(pauseUntil(Date.now() + ms))
    return this.#position !== before
  }

  async settled(deadlineMs: number): Promise<void> {
    this.drain(deadlineMs)
  }

  drain(deadlineMs: number): void {
    this.#write(pauseUntil(Date.now() + deadlineMs))
  }

  retire(): Promise<void> {
    return this.close()
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry)
    this.#sink.close()
  }

  /* A reader that is slow, but reads, moves it too. */
  get #position(): number {
    const { words } = this.#memory
    return Atomics.load(words, WORD.tail) + Atomics.load(words, WORD.written)
  }

  get #isEmpty(): boolean {
    const { words } = this.#memory
    return Atomics.load(words, WORD.tail) === Atomics.load(words, WORD.head)
  }

  #retryLater(): void {
    if (this.#isEmpty) this.#retryMs = FIRST_RETRY_MS
    else if (this.#retry === undefined) this.#retry = runOutside(() => setTimeout(() => this.#tryAgain(), this.#retryMs).unref())
  }

  #tryAgain(): void {
    this.#retry = undefined
    const before = this.#position
    this.#write(NO_WAIT)
    this.#retryMs = this.#position !== before ? FIRST_RETRY_MS : Math.min(this.#retryMs * 2, MAX_RETRY_MS)
    this.#retryLater()
  }

  #write(pause: Pause): void {
    // Held already: a getter of the application logs while this thread writes what it logged before.
    if (this.#isEmpty || !tryLock(this.#memory)) return
    const before = this.#memory.retries
    const { trouble, rejected } = takeOver(this.#ring, this.#sink, pause)
    unlock(this.#memory)
    counters.writesRetried += this.#memory.retries - before
    if (trouble !== undefined) complain('sink', `a sink cannot write: ${trouble}; it will be tried again`, this.#destination)
    if (rejected !== undefined)
      complain('sink', `a sink refused ${rejected.events} events: ${rejected.reason}`, this.#destination)
  }
}
