import { crc32c } from '../spool'
import type { BatchEvent, SinkBatch } from './sink'

/**
 * A batch in memory of its own, which can be sent again and in parts, also after the first `await`. See `keepBatch`.
 *
 * A part is named by the events that are in it. So whichever way the same events come to the same destination again, alone or with others around them, they come
 * under the same name, and a destination that remembers names takes them once.
 */
export class KeptBatch implements SinkBatch {
  readonly lines: Uint8Array
  readonly events: number
  readonly id: string
  readonly instance: string
  readonly #rows: readonly BatchEvent[]
  readonly #labelled = new Map<string, KeptBatch>()

  /** `lines` must never change. */
  constructor(lines: Uint8Array, events: number, id: string, instance: string, rows: readonly BatchEvent[]) {
    this.lines = lines
    this.events = events
    this.id = id
    this.instance = instance
    this.#rows = rows
  }

  rows(): readonly BatchEvent[] {
    return this.#rows
  }

  /** The batch of the rows at `indexes`, which are in order; this one if those are all. */
  part(indexes: readonly number[]): KeptBatch {
    if (indexes.length === this.#rows.length) return this
    const { lines, rows } = pickRows(this.lines, this.#rows, indexes)
    return new KeptBatch(lines, rows.length, partId(this.id, lines, rows), this.instance, rows)
  }

  /** The same events under another name, for one of several destinations that may be the same one. The same batch at each call. */
  labelled(label: string): KeptBatch {
    const known = this.#labelled.get(label)
    if (known !== undefined) return known
    const root = rootId(this.id)
    const id = `${root}.${label}${this.id.slice(root.length)}`
    const made = new KeptBatch(this.lines, this.events, id, this.instance, this.#rows)
    this.#labelled.set(label, made)
    return made
  }
}

const kept = new WeakMap<SinkBatch, KeptBatch>()

/**
 * `batch` in memory of its own, the same one at each call, so that what was prepared of it is found when it is sent. The first call is before the first
 * `await`.
 */
export function keepBatch(batch: SinkBatch): KeptBatch {
  if (batch instanceof KeptBatch) return batch
  const known = kept.get(batch)
  if (known !== undefined) return known
  const made = new KeptBatch(Buffer.from(batch.lines), batch.events, batch.id, batch.instance, batch.rows())
  kept.set(batch, made)
  return made
}

/** The lines of `rows` at these indexes, in memory of their own, and the rows of those. */
export function pickRows(
  lines: Uint8Array,
  rows: readonly BatchEvent[],
  indexes: readonly number[],
): { readonly lines: Uint8Array; readonly rows: readonly BatchEvent[] } {
  const picked = indexes.map((index) => rows[index] as BatchEvent)
  let at = 0
  const moved = picked.map((row) => {
    const start = at
    at += row.end - row.start
    return { ...row, start, end: at }
  })
  return { lines: Buffer.concat(picked.map(({ start, end }) => lines.subarray(start, end))), rows: moved }
}

/** The name of the part of batch `id` that `rows` of `lines` are: `<id>~<16 hex digits>`. Of a part of a part, the same as of that part of the whole. */
export function partId(id: string, lines: Uint8Array, rows: readonly BatchEvent[]): string {
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
  // Lines without `ordering` may have any `seq`, so that alone would not do.
  return `${rootId(id)}~${hex(hashOf(rows))}${hex(crc32c(lines))}`
}

/** The name of the whole that batch `id` is, or is a part of. Names of whole batches have no `~`. */
export function rootId(id: string): string {
  const at = id.indexOf('~')
  return at === -1 ? id : id.slice(0, at)
}

/* FNV-1a. */
function hashOf(rows: readonly BatchEvent[]): number {
  let hash = 0x811c9dc5
  for (const { seq } of rows) {
    for (const word of [seq | 0, Math.floor(seq / 2 ** 32) | 0]) {
      hash = Math.imul(hash ^ word, 0x01000193)
      hash ^= hash >>> 15
    }
  }
  return hash
}
