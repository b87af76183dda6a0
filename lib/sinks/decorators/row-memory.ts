import { crc32c } from '../../spool'
import { type KeptBatch, rootId } from '../batch-part'
import type { BatchEvent } from '../sink'

/* Batches on their way are few; of one that nobody sends again nothing is heard any more. */
const MAX_BATCHES = 1024

/**
 * What a decorator has to know of single events until it has given its last answer about them, as long as they come again. Of more batches than a thousand at
 * once, the oldest is forgotten.
 */
export class RowMemory<T> {
  readonly #batches = new Map<string, Map<string, T>>()

  /** What is known of each row of `batch`. */
  recall(batch: KeptBatch): readonly (T | undefined)[] {
    const known = this.#batches.get(rootId(batch.id))
    return batch.rows().map((_row, i) => known?.get(keyOf(batch, i)))
  }

  /** Remembers `value` of a row; undefined forgets it. */
  set(batch: KeptBatch, row: number, value: T | undefined): void {
    const root = rootId(batch.id)
    const known = this.#batches.get(root)
    if (value !== undefined) {
      if (known === undefined) this.#begin(root).set(keyOf(batch, row), value)
      else known.set(keyOf(batch, row), value)
    } else if (known?.delete(keyOf(batch, row)) && known.size === 0) this.#batches.delete(root)
  }

  #begin(root: string): Map<string, T> {
    const [oldest] = this.#batches.keys()
    if (this.#batches.size >= MAX_BATCHES && oldest !== undefined) this.#batches.delete(oldest)
    const rows = new Map<string, T>()
    this.#batches.set(root, rows)
    return rows
  }
}

/** Names an event of a batch, at each try the same. */
export function rowName(batch: KeptBatch, row: number): string {
  return `${rootId(batch.id)}:${keyOf(batch, row)}`
}

/* Lines without `ordering` may have any `seq`, so that alone would not do. */
function keyOf(batch: KeptBatch, row: number): string {
  const { seq, start, end } = batch.rows()[row] as BatchEvent
  return `${seq}:${crc32c(batch.lines.subarray(start, end))}`
}
