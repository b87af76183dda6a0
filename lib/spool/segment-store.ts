import { join } from 'node:path'
import type { CursorFile } from './cursor-file'
import type { SpoolLedger, Tally } from './ledger'
import type { teller } from './notice'
import { OpenSegment } from './open-segment'
import type { SpoolPosition } from './position'
import { contentsOf, cutTail, owedFrom, readContents } from './recovery'
import { type Listing, listSegments, type Segment } from './segment-name'
import { codeOf, messageOf, type SpoolFiles } from './spool-files'

/** What writer and reader of a spool do alike: they know its files, and the ledger of what is in them. */
export class SegmentStore {
  readonly files: SpoolFiles
  readonly directory: string
  readonly ledger: SpoolLedger
  readonly tell: ReturnType<typeof teller>
  /** Segments that cannot be opened. */
  readonly passedOver = new Set<string>()
  #newerTold = false

  constructor(place: { files: SpoolFiles; directory: string }, ledger: SpoolLedger, tell: ReturnType<typeof teller>) {
    this.files = place.files
    this.directory = place.directory
    this.ledger = ledger
    this.tell = tell
  }

  pathOf({ name }: Segment): string {
    return join(this.directory, name)
  }

  list(): Listing {
    return listSegments(this.files, this.directory)
  }

  open(segment: Segment): OpenSegment {
    return new OpenSegment(this.files, this.directory, segment)
  }

  /** Whoever opens a ledger first finds the floor and what is owed, and counts it. Throws what the file system throws. */
  begin(cursor: CursorFile, mayCut: boolean): void {
    const listing = this.list()
    const { floor, problem } = cursor.find(listing)
    if (!this.#newerTold) {
      for (const name of listing.newer)
        this.tell('newer', `the segment ${name} is of a later version of tracelane, and is left alone`)
    }
    this.#newerTold = true
    if (!this.ledger.begin(floor)) return
    if (problem !== undefined) this.tell('cursor', `the spool ${this.directory}: ${problem}`)
    for (const segment of listing.segments) this.#recover(segment, floor, mayCut && segment === listing.segments.at(-1))
  }

  /* A segment that cannot be read now is no reason not to start: the reader tells what becomes of it. */
  #recover(segment: Segment, floor: SpoolPosition, mayCut: boolean): void {
    try {
      const size = this.files.sizeAt(this.pathOf(segment))
      this.ledger.store(size)
      const from = owedFrom(segment, floor)
      if (from === undefined) return
      const { whole, tornBytes, end } = readContents(this.files, this.directory, segment, from)
      this.ledger.add('recovered', whole)
      if (mayCut && tornBytes > 0) this.#cut(segment, end, tornBytes)
    } catch (error) {
      this.tell('disk', `the segment ${segment.name} cannot be read now: ${messageOf(error)}`)
    }
  }

  /* Only the last segment's end is cut: before, a later segment tells that nothing comes any more. */
  #cut(segment: Segment, end: number, bytes: number): void {
    cutTail(this.files, this.directory, segment, end)
    this.ledger.store(-bytes)
    this.ledger.add('torn', { records: 1, events: 0, bytes })
    this.tell('torn', `the end of ${segment.name} was not written whole: ${bytes} bytes are cut`)
  }

  /** Removes a segment, if it is there. Throws what else the file system throws. */
  remove(segment: Segment): void {
    try {
      const size = this.files.sizeAt(this.pathOf(segment))
      this.files.remove(this.pathOf(segment))
      this.ledger.store(-size)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  /** Removes the segments before number `before`, the oldest first, all or those up to one that cannot be removed. */
  removeBefore(before: number): void {
    try {
      for (const segment of this.list().segments) {
        if (segment.number >= before) return
        if (!this.passedOver.has(segment.name)) this.remove(segment)
      }
    } catch (error) {
      this.tell('disk', `a settled segment cannot be removed: ${messageOf(error)}`)
    }
  }

  /** Looks how many bytes there are: somebody else may have removed segments. */
  recount(): void {
    const sizes = this.list().segments.map((segment) => this.files.sizeAt(this.pathOf(segment)))
    this.ledger.stored = sizes.reduce((all, size) => all + size, 0)
  }

  /** Gives up what `oldest`, the oldest segment, still owes, counts it, and removes the segment. False if that cannot be done. */
  drop(oldest: Segment): boolean {
    // Opened first: from the moment in which the floor is behind it the reader may remove it.
    const open = this.#tryOpen(oldest)
    // From here on the reader knows that what it still delivers of the segment is counted by us.
    const before = this.ledger.raise({ segment: oldest.number + 1, offset: 0 })
    const gone = this.#owed(oldest, open, before)
    open?.close()
    this.ledger.add('dropped', gone)
    if (gone.records > 0) {
      this.tell('dropped', `the spool is full: ${oldest.name} is dropped with ${gone.records} records of ${gone.events} events`)
    }
    try {
      this.remove(oldest)
      return true
    } catch (error) {
      this.tell('disk', `${oldest.name} cannot be removed: ${messageOf(error)}`)
      return false
    }
  }

  #tryOpen(segment: Segment): OpenSegment | undefined {
    try {
      return this.open(segment)
    } catch (error) {
      // The reader has settled and removed it.
      if (codeOf(error) !== 'ENOENT') this.#tellUncounted(segment, error)
      return undefined
    }
  }

  #owed(segment: Segment, open: OpenSegment | undefined, floor: SpoolPosition): Tally {
    const from = owedFrom(segment, floor)
    const nothing = { records: 0, events: 0, bytes: 0 }
    if (from === undefined || open === undefined) return nothing
    try {
      return contentsOf(open, from).whole
    } catch (error) {
      this.#tellUncounted(segment, error)
      return nothing
    }
  }

  #tellUncounted({ name }: Segment, error: unknown): void {
    this.tell('disk', `what is dropped with ${name} cannot be counted: ${messageOf(error)}`)
  }
}
