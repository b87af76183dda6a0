import { CursorFile } from './cursor-file'
import type { ReadMeta } from './frame'
import { SpoolLedger, type Tally } from './ledger'
import { teller } from './notice'
import type { OpenSegment, Step } from './open-segment'
import { resolveReaderOptions, type SpoolReaderOptions } from './options'
import { comparePositions, type SpoolPosition } from './position'
import type { Segment } from './segment-name'
import { SegmentStore } from './segment-store'
import { codeOf, messageOf } from './spool-files'

/** A record, with its place and the place behind it. */
export interface SpoolRecord {
  readonly kind: 'record'
  readonly payload: Buffer
  readonly meta: ReadMeta
  readonly position: SpoolPosition
  /** What to commit when the record is settled, and where the next one is looked for. */
  readonly next: SpoolPosition
}

/** Nothing more is there now. */
export interface SpoolEnd {
  readonly kind: 'end'
  readonly position: SpoolPosition
}

/** A place without a record, which `next()` counts and skips. */
export interface SpoolDamage {
  readonly kind: 'torn' | 'corrupt'
  readonly position: SpoolPosition
  readonly next: SpoolPosition
  readonly bytes: number
  /** Events of records that are damaged, as far as their headers tell. */
  readonly events: number
}

/** A system call failed; try again. After three failures the reader looks for a way around the place. */
export interface SpoolReadFailure {
  readonly kind: 'failed'
  readonly code: string
  readonly reason: string
}

interface InFlight {
  readonly start: SpoolPosition
  readonly end: SpoolPosition
  readonly tally: Tally
}

const PATIENCE = 3

/**
 * Reads a spool in order, and says how far it was settled. One thread at a time uses it; the writer may be in another thread. Nothing of it throws.
 */
export class SpoolReader {
  readonly ledger: SpoolLedger
  readonly #options: ReturnType<typeof resolveReaderOptions>
  readonly #store: SegmentStore
  readonly #cursor: CursorFile
  #position: SpoolPosition | undefined
  #open: OpenSegment | undefined
  #inFlight: InFlight[] = []
  #oldest = 0
  #dirty = false
  #syncedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #closed = false

  /** Throws ERR_TRACELANE_OPTION_* for wrong options. Opens nothing yet: see `openSpoolReader`. */
  constructor(options: SpoolReaderOptions) {
    this.#options = resolveReaderOptions(options)
    this.ledger = new SpoolLedger(this.#options.ledger)
    this.#store = new SegmentStore(this.#options, this.ledger, teller(this.#options.onNotice))
    this.#cursor = new CursorFile(this.#options.files, this.#options.directory)
  }

  /** The next record after the last one that it gave. Damage before it is counted, told and skipped. */
  next(): SpoolRecord | SpoolEnd | SpoolReadFailure {
    if (this.#closed) return { kind: 'end', position: this.#position ?? { segment: 1, offset: 0 } }
    try {
      for (;;) {
        const found = this.read(this.#here())
        if (found.kind === 'end') {
          this.#failures = 0
          this.#moveTo(found.position)
          return found
        }
        if (found.kind === 'failed') return found
        if (found.kind === 'record') {
          this.#failures = 0
          this.#position = found.next
          const tally = { records: 1, events: found.meta.events, bytes: found.payload.length }
          this.#inFlight.push({ start: found.position, end: found.next, tally })
          return found
        }
        this.#count(found)
        this.#moveTo(found.next)
      }
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** What is at `position`. Counts and moves nothing. */
  read(position: SpoolPosition): SpoolRecord | SpoolEnd | SpoolDamage | SpoolReadFailure {
    if (this.#closed) return { kind: 'end', position }
    try {
      for (let at = position; ; ) {
        const open = this.#segmentAt(at)
        if (open === undefined) return { kind: 'end', position: at }
        const { number } = open.segment
        if (number !== at.segment) at = { segment: number, offset: 0 }
        const step = this.#settledStep(open, at.offset)
        if (step === 'growing') return { kind: 'end', position: at }
        if (step.kind === 'filler') at = { segment: number, offset: step.next }
        else if (step.kind === 'tail' && step.bytes === 0) at = { segment: number + 1, offset: 0 }
        else return resultOf(step, at)
      }
    } catch (error) {
      return this.#failed(error)
    }
  }

  /**
   * Says that everything before `position`, the `next` of a record, is settled; removes segments that are settled as a whole. False if the cursor could
   * not be written: it is tried again at the next commit and at `close()`.
   */
  commit(position: SpoolPosition): boolean {
    const before = this.ledger.raise(position)
    while (this.#inFlight[0] !== undefined && comparePositions(this.#inFlight[0].end, position) <= 0) {
      const { start, tally } = this.#inFlight.shift() as InFlight
      this.ledger.add(comparePositions(start, before) < 0 ? 'late' : 'committed', tally)
    }
    if (comparePositions(before, position) < 0) this.#dirty = true
    return this.#settle(this.#options.now() - this.#syncedAt >= this.#options.syncCursorMs)
  }

  /** Goes back to the first record that is not committed. */
  rewind(): void {
    this.#inFlight = []
    this.#position = this.ledger.floor
  }

  /** Forces the cursor to the disk and releases the descriptors. Idempotent; a reader that was closed is at its end. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#settle(true)
    this.#open?.close()
    this.#open = undefined
    try {
      this.#cursor.close()
    } catch {
      // It was written at the commits; a descriptor is released even so.
    }
  }

  /* Where reading goes on; what the writer dropped meanwhile is passed. */
  #here(): SpoolPosition {
    if (this.#position === undefined) this.#begin()
    const floor = this.ledger.floor as SpoolPosition
    if (this.#position === undefined || comparePositions(this.#position, floor) < 0) this.#position = floor
    return this.#position
  }

  #begin(): void {
    this.#store.begin(this.#cursor, false)
    this.#position = this.ledger.floor
    this.#settle()
  }

  #segmentAt({ segment, offset }: SpoolPosition): OpenSegment | undefined {
    if (this.#open?.segment.number === segment) return this.#open
    this.#open?.close()
    this.#open = undefined
    for (;;) {
      const found = this.#list().find(({ number, name }) => number >= segment && !this.#store.passedOver.has(name))
      if (found === undefined) return undefined
      const open = this.#tryOpen(found)
      if (open === undefined) continue
      this.#open = open
      this.#tellGap(offset > 0 ? segment + 1 : segment, found.number - 1)
      return open
    }
  }

  /* Segments have all numbers, but for those that are settled, dropped or not ours to read. */
  #tellGap(from: number, to: number): void {
    const known =
      (this.ledger.floor?.segment ?? 0) > from || this.#store.passedOver.size > 0 || this.#store.list().newer.length > 0
    if (from <= to && !known) this.#store.tell('corrupt', `segments are missing, from number ${from} to ${to}`)
  }

  /* Undefined if the writer dropped it in this moment, or if it cannot be opened for good. */
  #tryOpen(segment: Segment): OpenSegment | undefined {
    try {
      const open = this.#store.open(segment)
      open.lenient = this.#failures >= PATIENCE
      return open
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      if (this.#failures < PATIENCE || ['EMFILE', 'ENFILE', 'ENOMEM'].includes(codeOf(error))) throw error
      this.#passOver(segment, error)
      return undefined
    }
  }

  #passOver(segment: Segment, error: unknown): void {
    this.#store.passedOver.add(segment.name)
    this.ledger.add('corrupt', { records: 1, events: 0, bytes: 0 })
    this.#store.tell('disk', `a segment cannot be opened and is set aside as ${segment.name}.unreadable: ${messageOf(error)}`)
    try {
      const path = this.#store.pathOf(segment)
      this.#options.files.rename(path, `${path}.unreadable`)
    } catch {
      // It stays where it is, passed over by this reader.
    }
  }

  /* A step that will not change any more: the end of a segment may still grow, unless a later one was there before it was read. */
  #settledStep(open: OpenSegment, offset: number): Step | 'growing' {
    const step = open.step(offset)
    if (step.kind !== 'tail') return step
    const sealed = this.#options.final || this.#list().some(({ number }) => number > open.segment.number)
    return sealed ? open.step(offset) : 'growing'
  }

  #list(): readonly Segment[] {
    const { segments } = this.#store.list()
    this.#oldest = segments[0]?.number ?? this.#oldest
    return segments
  }

  #count({ kind, bytes, events, position }: SpoolDamage): void {
    this.ledger.add(kind, { records: 1, events, bytes })
    const what = kind === 'torn' ? 'the end of a segment was not written whole' : 'a segment is damaged'
    this.#store.tell(kind, `${what}: ${bytes} bytes at ${position.offset} of segment ${position.segment} are skipped`)
  }

  #moveTo(position: SpoolPosition): void {
    this.#position = position
    this.#settle()
  }

  /*
   * With nothing in flight, all before the own position is settled. The cursor is written at a commit, and before segments are removed, so that it says
   * why they are not there; in this order, because a cursor that is behind does no harm.
   */
  #settle(sync?: boolean): boolean {
    if (this.#inFlight.length === 0 && this.#position !== undefined) {
      const before = this.ledger.raise(this.#position)
      if (comparePositions(before, this.#position) < 0) this.#dirty = true
    }
    const floor = this.ledger.floor
    if (floor === undefined) return true
    const leaves = floor.segment > this.#oldest
    const stored = sync !== undefined || leaves ? this.#writeCursor(sync ?? false) : true
    if (leaves) {
      this.#oldest = floor.segment
      this.#store.removeBefore(floor.segment)
    }
    return stored
  }

  #writeCursor(sync: boolean): boolean {
    const floor = this.ledger.floor
    if (!this.#dirty || floor === undefined) return true
    try {
      this.#cursor.write(floor, this.#nameOf(floor), sync, this.ledger.newGeneration(this.#cursor.generation))
      if (sync) this.#syncedAt = this.#options.now()
      this.#dirty = !sync
      return true
    } catch (error) {
      this.#store.tell('disk', `the cursor cannot be written: ${messageOf(error)}`)
      return false
    }
  }

  #nameOf({ segment }: SpoolPosition): string {
    if (this.#open?.segment.number === segment) return this.#open.segment.name
    return this.#list().find(({ number }) => number === segment)?.name ?? ''
  }

  #failed(error: unknown): SpoolReadFailure {
    this.#failures++
    if (this.#open !== undefined && this.#failures >= PATIENCE) this.#open.lenient = true
    return { kind: 'failed', code: codeOf(error), reason: messageOf(error) }
  }
}

function resultOf(step: Exclude<Step, { kind: 'filler' }>, position: SpoolPosition): SpoolRecord | SpoolDamage {
  const { segment, offset } = position
  if (step.kind === 'record') {
    const { events, firstSeq, lastSeq, flags, name } = step.header
    const meta = { events, firstSeq, lastSeq, flags, ...(name === undefined ? {} : { name }) }
    return { kind: 'record', payload: step.payload, meta, position, next: { segment, offset: step.next } }
  }
  if (step.kind === 'tail') {
    return { kind: 'torn', position, next: { segment: segment + 1, offset: 0 }, bytes: step.bytes, events: step.events }
  }
  return { kind: 'corrupt', position, next: { segment, offset: step.next }, bytes: step.next - offset, events: step.events }
}

/** Opens the reader of a spool. Throws ERR_TRACELANE_OPTION_* for wrong options, else nothing: a disk in trouble is met at `next()`. */
export function openSpoolReader(options: SpoolReaderOptions): SpoolReader {
  return new SpoolReader(options)
}
