import type { Lane } from '../lane'
import type { SeenEvents } from '../seen-events'
import type { FetchedPartition } from './group-client'
import { eventsOf } from './record'

const IS_CONTROL = 1 << 5

/** A partition that is this consumer's for now: what was fetched goes to its lane, in order. */
export class Partition {
  readonly number: number
  readonly lane: Lane<bigint>
  /** Whether a fetch for it is under way. */
  isFetching = false
  readonly #seen: SeenEvents
  /* What is before was handled already, and is only looked through. */
  #handledBefore: bigint
  #next: bigint

  constructor(number: number, lane: Lane<bigint>, seen: SeenEvents, handledBefore: bigint, first: bigint) {
    this.number = number
    this.lane = lane
    this.#seen = seen
    this.#handledBefore = handledBefore
    this.#next = first
  }

  /** The offset of the record to fetch next. */
  get next(): bigint {
    return this.#next
  }

  /** The records from here on are gone, or were never there: goes on with `offset`, and takes what it finds there for new. */
  jump(offset: bigint): void {
    this.#next = offset
    if (offset < this.#handledBefore) this.#handledBefore = offset
  }

  /** Takes what a fetch has brought. A batch begins before the offset that was asked for if that is inside it. */
  take({ records = [] }: FetchedPartition): void {
    for (const batch of records) {
      const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if (after <= this.#next) continue
      if ((batch.attributes & IS_CONTROL) === 0) this.#takeRecords(batch)
      this.#next = after
    }
  }

  #takeRecords({ firstOffset, records }: NonNullable<FetchedPartition['records']>[number]): void {
    for (const record of records) {
      const offset = firstOffset + BigInt(record.offsetDelta)
      if (offset < this.#next) continue
      const events = eventsOf(record)
      if (offset < this.#handledBefore) this.#seen.add(events)
      else this.lane.push({ events, position: offset + 1n })
    }
  }
}
