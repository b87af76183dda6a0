import { reasonOf } from '../../event'
import type { AsyncSink, BatchResult } from '../../sinks'
import type { Outcomes } from '../ring'
import type { OutgoingBatch } from './outgoing-batch'

const FIRST_RETRY_MS = 20
const MAX_RETRY_MS = 5_000
/* When so many events in a row were refused one by one, it is not single events that the destination dislikes. */
const MAX_REFUSED_ALONE = 16

/** Sends a batch once. A sink that throws, which is a bug of it, does not end the thread, or the application that sends on its own thread. */
export async function sendOnce(sink: AsyncSink, batch: OutgoingBatch): Promise<BatchResult> {
  try {
    return await sink.send(batch)
  } catch (error) {
    return { outcome: 'retryable', reason: `the sink threw: ${reasonOf(error)}` }
  }
}

/** What a delivery needs of whoever is at it. */
export interface DeliveryPlace {
  readonly sink: AsyncSink
  /** Whether nobody waits for the outcome any more. */
  isOver(): boolean
  /** A send begins. */
  onSend(): void
  /** Part of a batch, or all of it, will be tried again, or is refused; `reason` is for people. */
  onTrouble(reason: string, retried: boolean): void
  /** Resolves after so many milliseconds, or sooner if somebody is in a hurry or it is over. */
  pause(ms: number): Promise<void>
}

/** Brings one batch to its destination, piece by piece where the destination takes part of it only. */
export class Delivery {
  readonly #place: DeliveryPlace
  /* What is to be sent, the first one last. */
  readonly #pieces: OutgoingBatch[]
  readonly #outcomes = { delivered: 0, rejected: 0, quarantined: 0, filtered: 0, spooled: 0, bytes: 0 }
  #waitMs = FIRST_RETRY_MS
  #refusedAlone = 0

  constructor(place: DeliveryPlace, batch: OutgoingBatch) {
    this.#place = place
    this.#pieces = [batch]
  }

  /** Resolves when each event is delivered or refused; with undefined if that is of no interest any more. */
  async settle(): Promise<Outcomes | undefined> {
    for (let piece = this.#pieces.pop(); piece !== undefined; piece = this.#pieces.pop()) {
      if (this.#place.isOver()) return undefined
      this.#place.onSend()
      const pauseMs = this.#take(piece, await sendOnce(this.#place.sink, piece))
      if (pauseMs !== undefined) await this.#place.pause(pauseMs)
    }
    return this.#outcomes
  }

  /* Returns how long to wait before the next piece, if at all. */
  #take(piece: OutgoingBatch, result: BatchResult): number | undefined {
    switch (result.outcome) {
      case 'delivered':
        this.#deliver(piece.events, piece.lines.length)
        return undefined
      case 'retryable':
        return this.#sendAgain(piece, result.reason, result.retryAfterMs)
      case 'rejected':
        this.#refuse(piece, result.reason, result.divisible === true)
        return undefined
      case 'partial':
        return this.#takePart(piece, result)
    }
  }

  #deliver(events: number, bytes: number): void {
    this.#outcomes.delivered += events
    this.#outcomes.bytes += bytes
    this.#waitMs = FIRST_RETRY_MS
    this.#refusedAlone = 0
  }

  #sendAgain(piece: OutgoingBatch, reason: string, retryAfterMs = 0): number {
    this.#pieces.push(piece)
    this.#place.onTrouble(reason, true)
    const waitMs = Math.max(this.#waitMs, retryAfterMs)
    this.#waitMs = Math.min(this.#waitMs * 2, MAX_RETRY_MS)
    return waitMs
  }

  #refuse(piece: OutgoingBatch, reason: string, divisible: boolean): void {
    const halves = divisible && this.#refusedAlone < MAX_REFUSED_ALONE ? piece.halves() : undefined
    if (halves !== undefined) {
      this.#pieces.push(halves[1], halves[0])
      return
    }
    const isAlone = divisible && piece.rows().length === 1
    this.#outcomes[isAlone ? 'quarantined' : 'rejected'] += piece.events
    if (isAlone) this.#refusedAlone++
    this.#place.onTrouble(reason, false)
  }

  #takePart(piece: OutgoingBatch, result: BatchResult & { readonly outcome: 'partial' }): number | undefined {
    const { rejected, retryable, filtered = [], spooled = [], reason, retryAfterMs } = result
    const refused = piece.eventsAt(rejected)
    const again = piece.eventsAt(retryable)
    const leftOut = piece.eventsAt(filtered)
    this.#outcomes.quarantined += refused
    const onDisk = piece.eventsAt(spooled)
    this.#outcomes.filtered += leftOut
    this.#outcomes.spooled += onDisk
    const open = new Set([...rejected, ...retryable, ...filtered, ...spooled])
    const bytes = piece.rows().reduce((sum, { start, end }, i) => (open.has(i) ? sum : sum + end - start), 0)
    // Events got through, or were named as what is wrong: the next try is not a repetition.
    if (open.size < piece.rows().length || refused > 0) this.#deliver(piece.events - refused - again - leftOut - onDisk, bytes)
    if (refused > 0) this.#place.onTrouble(reason, false)
    return again > 0 ? this.#sendAgain(piece.part([...retryable].sort((a, b) => a - b)), reason, retryAfterMs) : undefined
  }
}
