import { KeptBatch } from '../batch-part'
import { rowsOfLines } from '../line-rows'
import type { AsyncSink, BatchResult } from '../sink'
import { Bucket } from './bucket'
import type { Opening, ReplayOutcomes } from './opening'
import type { Found, SpoolStore } from './spool-store'
import type { SpoolingSpec } from './spooling'
import { Waits } from './timing'

const FIRST_RETRY_MS = 20
const MAX_RETRY_MS = 5_000
const DISK_RETRY_MS = 1_000
/* The pieces that a record is cut into, where so many events a second may be sent: those of so much time. */
const PACE_MS = 100

/** Sends what lies in a spool, record by record, in order, until it is closed. */
export class Replay {
  /** Resolves when nothing of it is going on any more. */
  readonly ended: Promise<void>
  readonly #store: SpoolStore
  readonly #sink: AsyncSink
  readonly #opening: Opening
  readonly #waits: Waits
  readonly #isPolite: boolean
  readonly #bucket: Bucket | undefined
  readonly #burst: number
  #live = 0
  #wake: (() => void) | undefined

  constructor(store: SpoolStore, sink: AsyncSink, { order, replayPerSecond }: SpoolingSpec['options'], opening: Opening) {
    this.#store = store
    this.#sink = sink
    this.#opening = opening
    this.#waits = new Waits(opening.timing)
    this.#isPolite = order === 'live-first'
    this.#burst = replayPerSecond === undefined ? Infinity : Math.max(Math.floor((replayPerSecond * PACE_MS) / 1000), 1)
    if (replayPerSecond !== undefined)
      this.#bucket = new Bucket({ perSecond: replayPerSecond, burst: this.#burst }, opening.timing)
    store.onLook(() => this.wake())
    this.ended = this.#run()
  }

  /** Something is sent past the spool. */
  hold(): void {
    this.#live++
  }

  /** That was answered. */
  goOn(): void {
    this.#live--
    this.wake()
  }

  /** Something has changed. */
  wake(): void {
    this.#wake?.()
  }

  close(): void {
    this.#waits.close()
    this.wake()
  }

  async #run(): Promise<void> {
    while (!this.#waits.isClosed) {
      const found = this.#store.next()
      if (found === undefined) await this.#woken()
      else if (typeof found === 'string') {
        this.#opening.onTrouble(found)
        await this.#waits.wait(DISK_RETRY_MS)
      } else {
        const outcomes = await this.#deliver(found)
        if (outcomes !== undefined && this.#store.settle(found)) this.#opening.onReplayed(outcomes)
      }
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }

  /* Resolves when each event is delivered or refused; with undefined if it was closed before. */
  async #deliver({ record: { payload, meta }, name, isAdopted }: Found): Promise<ReplayOutcomes | undefined> {
    const outcomes = { delivered: 0, rejected: 0, quarantined: 0, filtered: 0, bytes: 0 }
    const rows = rowsOfLines(payload, meta.events, meta.firstSeq)
    const pieces = this.#cut(new KeptBatch(payload, meta.events, name, name, rows)).reverse()
    let waitMs = FIRST_RETRY_MS
    for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
      if (!(await this.#turn(piece, this.#isPolite || isAdopted))) return undefined
      const result = await this.#sink.send(piece)
      const again = takeResult(piece, result, outcomes)
      if (again.length === 0) {
        waitMs = FIRST_RETRY_MS
        continue
      }
      pieces.push(...again)
      if (result.outcome !== 'retryable' && result.outcome !== 'partial') continue
      this.#opening.onTrouble(result.reason)
      if (!(await this.#waits.wait(Math.max(waitMs, result.retryAfterMs ?? 0)))) return undefined
      waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)
    }
    return outcomes
  }

  #cut(batch: KeptBatch): KeptBatch[] {
    const rows = [...batch.rows().keys()]
    if (rows.length <= this.#burst) return [batch]
    const pieces: KeptBatch[] = []
    for (let from = 0; from < rows.length; from += this.#burst) pieces.push(batch.part(rows.slice(from, from + this.#burst)))
    return pieces
  }

  /* Waits until a piece may be sent; false if it was closed. */
  async #turn(piece: KeptBatch, isPolite: boolean): Promise<boolean> {
    while (isPolite && this.#live > 0 && !this.#waits.isClosed) await this.#woken()
    const count = piece.rows().length
    while (this.#bucket !== undefined && !this.#bucket.take(count)) {
      if (!(await this.#waits.wait(this.#bucket.waitFor(count)))) return false
    }
    return !this.#waits.isClosed
  }
}

type Growing = { -readonly [K in keyof ReplayOutcomes]: number }

/* Counts what is settled of a piece; what is to be sent again, the first one last. */
function takeResult(piece: KeptBatch, result: BatchResult, outcomes: Growing): KeptBatch[] {
  const all = [...piece.rows().keys()]
  // Lines that cannot be told apart any more are one row.
  const events = (rows: readonly number[]): number => (all.length === piece.events ? rows.length : rows.length * piece.events)
  if (result.outcome === 'retryable') return [piece]
  if (result.outcome === 'rejected') {
    if (result.divisible === true && all.length > 1) {
      const middle = all.length >> 1
      return [piece.part(all.slice(middle)), piece.part(all.slice(0, middle))]
    }
    outcomes[result.divisible === true ? 'quarantined' : 'rejected'] += piece.events
    return []
  }
  const { rejected = [], retryable = [], filtered = [] } = result.outcome === 'partial' ? result : {}
  const others = new Set([...rejected, ...retryable, ...filtered])
  const delivered = all.filter((row) => !others.has(row))
  outcomes.quarantined += events(rejected)
  outcomes.filtered += events(filtered)
  outcomes.delivered += events(delivered)
  outcomes.bytes += delivered.reduce((sum, row) => sum + lengthOf(piece, row), 0)
  return retryable.length > 0 ? [piece.part(retryable)] : []
}

function lengthOf(piece: KeptBatch, row: number): number {
  const { start = 0, end = 0 } = piece.rows()[row] ?? {}
  return end - start
}
