import { type KeptBatch, keepBatch } from '../batch-part'
import {
  type AsyncSink,
  type BatchEvent,
  type BatchResult,
  DELIVERED,
  type Rows,
  type SendResult,
  type Sink,
  type SinkBatch,
} from '../sink'
import { FATE, Fates } from './fates'
import { rowName } from './row-memory'
import { type Timing, Waits } from './timing'

const BUSY_MS = 5
/* A pipe whose reader has not read for so long is in trouble. */
const MAX_BUSY_MS = 1_000

/** The line in whose middle a write stopped. */
interface Torn {
  /** That line alone. */
  readonly batch: KeptBatch
  /** How much of it is there. */
  readonly written: number
}

interface Step {
  readonly result: SendResult
  /** It stopped only because the destination is busy. */
  readonly isBusy: boolean
}

/**
 * A sink that blocks, as one below a decorator: it writes on this thread, but waits for a busy pipe or terminal with the event loop, so that others go on meanwhile.
 *
 * A write that stops in the middle of a line is never left so: the rest of that line is the first thing that is written next, whatever comes, and when that
 * event comes again it is known to be there.
 */
export class BlockingSink implements AsyncSink {
  readonly #sink: Sink
  readonly #waits: Waits
  #torn: Torn | undefined
  /* The event that was torn and is whole now, until it comes again. */
  #mended: string | undefined
  /* One batch at a time; undefined: none is at it. */
  #last: Promise<unknown> | undefined

  constructor(sink: Sink, timing: Timing) {
    this.#sink = sink
    this.#waits = new Waits(timing)
  }

  async send(batch: SinkBatch): Promise<BatchResult> {
    if (this.#last !== undefined || this.#torn !== undefined || this.#mended !== undefined) return this.#inTurn(keepBatch(batch))
    const begun = this.#write(batch.lines, () => batch.rows())
    return begun.result.outcome === 'delivered' ? DELIVERED : this.#inTurn(keepBatch(batch), begun)
  }

  async close(): Promise<void> {
    this.#waits.close()
    this.#sink.close()
  }

  async #inTurn(batch: KeptBatch, begun?: Step): Promise<BatchResult> {
    const before = this.#last
    const turn = (async () => {
      await before
      return this.#settle(batch, begun)
    })()
    this.#last = turn
    const result = await turn
    if (this.#last === turn) this.#last = undefined
    return result
  }

  async #settle(batch: KeptBatch, begun?: Step): Promise<BatchResult> {
    const rows = batch.rows()
    const fates = new Fates(rows.length)
    const mending = begun === undefined ? await this.#mend() : DELIVERED
    if (mending.outcome !== 'delivered') {
      for (const row of rows.keys()) fates.set(row, FATE.retryable, mending.reason)
      return fates.result()
    }
    const whole =
      begun === undefined && this.#mended !== undefined
        ? [...rows.keys()].find((row) => rowName(batch, row) === this.#mended)
        : undefined
    if (whole !== undefined) {
      fates.set(whole, FATE.delivered)
      this.#mended = undefined
    }
    const todo = [...rows.keys()].filter((row) => row !== whole)
    if (todo.length > 0) this.#enter(fates, batch, todo, await this.#writePatiently(batch.part(todo), 0, begun))
    return fates.result()
  }

  /* Ends the line in whose middle the last write stopped. */
  async #mend(): Promise<SendResult> {
    if (this.#torn === undefined) return DELIVERED
    const { batch, written } = this.#torn
    const result = await this.#writePatiently(batch, written)
    this.#torn = result.outcome === 'retryable' ? { batch, written: result.written } : undefined
    if (result.outcome === 'delivered') this.#mended = rowName(batch, 0)
    return result
  }

  /* Says of each of the rows `todo` what a write of them came to. */
  #enter(fates: Fates, batch: KeptBatch, todo: readonly number[], result: SendResult): void {
    const part = batch.part(todo)
    for (const [i, { start, end }] of part.rows().entries()) {
      const row = todo[i] as number
      if (result.outcome === 'delivered' || end <= result.written) {
        fates.set(row, FATE.delivered)
        continue
      }
      fates.set(row, FATE[result.outcome], result.reason)
      if (result.outcome === 'rejected' || start >= result.written) continue
      this.#torn = { batch: part.part([i]), written: result.written - start }
    }
  }

  /* Writes all of a batch but the first bytes, which are there; says how many are then. */
  async #writePatiently(batch: KeptBatch, from: number, begun?: Step): Promise<SendResult> {
    const { lines } = batch
    const rows = (): readonly BatchEvent[] => batch.rows()
    let step = begun ?? this.#write(lines.subarray(from), rows)
    let written = from
    let idleMs = 0
    while (step.result.outcome !== 'delivered') {
      written += step.result.written
      idleMs = step.result.written > 0 ? 0 : idleMs + BUSY_MS
      const isOver = !step.isBusy || idleMs > MAX_BUSY_MS || !(await this.#waits.wait(BUSY_MS))
      if (isOver) return { ...step.result, written }
      step = this.#write(lines.subarray(written), rows)
    }
    return DELIVERED
  }

  #write(lines: Uint8Array, rows: Rows): Step {
    let isBusy = false
    const pause = (): boolean => {
      isBusy = true
      return false
    }
    const result = this.#sink.write(lines, pause, rows)
    return { result, isBusy }
  }
}
