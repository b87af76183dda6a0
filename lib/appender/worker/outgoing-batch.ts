import { type BatchEvent, partId, pickRows, type SinkBatch } from '../../sinks'
import { moved } from './event-rows'

/** Makes the events of lines that begin at `base`. */
export type MakeRows = (base: number) => readonly BatchEvent[]

/** A batch on its way to a sink that answers later, which can be divided. The memory of its lines stays as it is until it is settled. */
export class OutgoingBatch implements SinkBatch {
  readonly lines: Uint8Array
  readonly events: number
  readonly id: string
  readonly instance: string
  readonly #makeRows: MakeRows
  #rows: readonly BatchEvent[] | undefined

  constructor(lines: Uint8Array, events: number, id: string, instance: string, makeRows: MakeRows) {
    this.lines = lines
    this.events = events
    this.id = id
    this.instance = instance
    this.#makeRows = makeRows
  }

  rows(): readonly BatchEvent[] {
    this.#rows ??= this.#makeRows(0)
    return this.#rows
  }

  /** The rows as they are in a larger batch in which its lines begin at `base`. */
  rowsFrom(base: number): readonly BatchEvent[] {
    return this.#rows?.map((row) => moved(row, base)) ?? this.#makeRows(base)
  }

  /** How many events the rows at these indexes are: lines that cannot be told apart are one row. */
  eventsAt(indexes: readonly number[]): number {
    return this.rows().length === this.events ? indexes.length : indexes.length === 0 ? 0 : this.events
  }

  /** A batch of the rows at these indexes, which are in order. Its name says which they are. */
  part(indexes: readonly number[]): OutgoingBatch {
    const all = this.rows()
    if (indexes.length === all.length) return this
    const { lines, rows } = pickRows(this.lines, all, indexes)
    return new OutgoingBatch(lines, rows.length, partId(this.id, lines, rows), this.instance, (base) =>
      rows.map((row) => moved(row, base)),
    )
  }

  /** Two batches that have one half of the rows each; undefined if there is one row only. */
  halves(): readonly [OutgoingBatch, OutgoingBatch] | undefined {
    const indexes = [...this.rows().keys()]
    if (indexes.length < 2) return undefined
    const middle = indexes.length >> 1
    return [this.part(indexes.slice(0, middle)), this.part(indexes.slice(middle))]
  }
}
