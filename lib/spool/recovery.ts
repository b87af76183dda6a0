import { join } from 'node:path'
import type { Tally } from './ledger'
import { OpenSegment } from './open-segment'
import type { SpoolPosition } from './position'
import type { Segment } from './segment-name'
import type { SpoolFiles } from './spool-files'

/** Bytes of a segment, from `from` to before `to`, that are no record. */
export interface Damage {
  readonly from: number
  readonly to: number
}

/** What one segment has, from a place in it on. */
export interface SegmentContents {
  /** Whole records. */
  readonly whole: Tally
  readonly damaged: readonly Damage[]
  /** Where the last whole record ends. */
  readonly end: number
  /** Bytes behind it. */
  readonly tornBytes: number
  readonly fileBytes: number
}

/** Reads a segment from `from` to its end. Throws what the file system throws. */
export function readContents(files: SpoolFiles, directory: string, segment: Segment, from = 0): SegmentContents {
  const open = new OpenSegment(files, directory, segment)
  try {
    return contentsOf(open, from)
  } finally {
    open.close()
  }
}

/** As `readContents`, of a segment that is open and may have been removed. */
export function contentsOf(open: OpenSegment, from: number): SegmentContents {
  let [records, events, bytes] = [0, 0, 0]
  const damaged: Damage[] = []
  for (let offset = from; ; ) {
    const step = open.step(offset)
    if (step.kind === 'tail') {
      const whole = { records, events, bytes }
      return { whole, damaged, end: offset, tornBytes: step.bytes, fileBytes: open.size() }
    }
    if (step.kind === 'record') {
      records++
      events += step.header.events
      bytes += step.payload.length
    } else if (step.kind === 'damaged') damaged.push({ from: offset, to: step.next })
    offset = step.next
  }
}

/** The offset at which what is owed of `segment` begins; undefined if nothing of it is. */
export function owedFrom(segment: Segment, floor: SpoolPosition): number | undefined {
  if (segment.number < floor.segment) return undefined
  return segment.number === floor.segment ? floor.offset : 0
}

/** Cuts a segment after `end`. Throws what the file system throws. */
export function cutTail(files: SpoolFiles, directory: string, { name }: Segment, end: number): void {
  const file = files.open(join(directory, name), 'change')
  try {
    files.truncate(file, end)
    files.sync(file)
  } finally {
    files.close(file)
  }
}
