import type { BatchEvent } from '../../sinks'
import { crc32c } from '../../spool'
import { OutgoingBatch } from './outgoing-batch'

/** How large a batch may be. */
export interface BatchLimits {
  readonly maxBatchEvents: number
  readonly maxBatchBytes: number
}

/** What waits to be sent: the lines of one frame, or some of them. */
export interface Part {
  readonly batch: OutgoingBatch
  /** Where its frame ends in the ring. */
  readonly end: number
  /** When it was read, in ms. */
  readonly since: number
  /** So many of the events of its frame are settled. */
  settled(events: number): void
}

/** A batch, and the parts that it was made of. */
export interface MadeBatch {
  readonly batch: OutgoingBatch
  readonly parts: readonly Part[]
}

/** The parts that go one way to the destination, in order, each no larger than a batch may be. */
export class BatchQueue {
  /** Whether one of its batches is on its way. */
  busy = false
  readonly #limits: BatchLimits
  #parts: Part[] = []
  #ready: MadeBatch | undefined

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  /** The first one. */
  get first(): Part | undefined {
    return this.#ready?.parts[0] ?? this.#parts[0]
  }

  /** Whether the next batch is as large as it will get. */
  get isFull(): boolean {
    return this.#ready !== undefined || this.#isFull
  }

  /** The next batch, made already while one is on its way; undefined if that is not full yet, or was made before. */
  makeReady(): OutgoingBatch | undefined {
    if (this.#ready !== undefined || !this.busy || !this.#isFull) return undefined
    this.#ready = this.#make()
    return this.#ready.batch
  }

  get #isFull(): boolean {
    const { maxBatchEvents, maxBatchBytes } = this.#limits
    const [events, bytes] = this.#parts.reduce((sum, { batch }) => [sum[0] + batch.events, sum[1] + batch.lines.length], [0, 0])
    return events >= maxBatchEvents || bytes >= maxBatchBytes
  }

  add(part: Part): void {
    this.#parts.push(part)
  }

  /** Takes out as many parts as make one batch, and makes it. There is at least one. */
  take(): MadeBatch {
    const made = this.#ready ?? this.#make()
    this.#ready = undefined
    return made
  }

  #make(): MadeBatch {
    const { maxBatchEvents, maxBatchBytes } = this.#limits
    let count = 0
    let events = 0
    let bytes = 0
    for (const { batch } of this.#parts) {
      events += batch.events
      bytes += batch.lines.length
      if (count > 0 && (events > maxBatchEvents || bytes > maxBatchBytes)) break
      count++
    }
    const parts = this.#parts.splice(0, count)
    return { batch: merge(parts.map((part) => part.batch)), parts }
  }

  clear(): void {
    this.#parts = []
    this.#ready = undefined
  }
}

/** `batch` in pieces that are no larger than a batch may be; a line that is larger is a piece of its own. */
export function cut(batch: OutgoingBatch, { maxBatchEvents, maxBatchBytes }: BatchLimits): OutgoingBatch[] {
  if (batch.events <= maxBatchEvents && batch.lines.length <= maxBatchBytes) return [batch]
  const pieces: number[][] = []
  let piece: number[] = []
  let bytes = 0
  batch.rows().forEach(({ start, end }, i) => {
    bytes += end - start
    if (piece.length > 0 && (piece.length === maxBatchEvents || bytes > maxBatchBytes)) {
      pieces.push(piece)
      piece = []
      bytes = end - start
    }
    piece.push(i)
  })
  return [...pieces, piece].map((indexes) => batch.part(indexes))
}

/** One batch of several, in order. Its name is made of theirs. */
function merge(batches: readonly OutgoingBatch[]): OutgoingBatch {
  const [first] = batches as readonly [OutgoingBatch]
  if (batches.length === 1) return first
  const lines = Buffer.concat(batches.map((batch) => batch.lines))
  const events = batches.reduce((sum, batch) => sum + batch.events, 0)
  const name = crc32c(Buffer.from(batches.map(({ id }) => id).join(',')))
    .toString(16)
    .padStart(8, '0')
  return new OutgoingBatch(lines, events, `${first.id}.${name}`, first.instance, (base) => {
    // Not flatMap, which takes longer for each row than it takes to make one.
    const rows: BatchEvent[] = []
    let at = base
    for (const batch of batches) {
      for (const row of batch.rowsFrom(at)) rows.push(row)
      at += batch.lines.length
    }
    return rows
  })
}
