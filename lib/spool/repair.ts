import { join } from 'node:path'
import { CursorFile } from './cursor-file'
import { HEADER_BYTES, KIND, writeHeader } from './frame'
import { cutTail, type Damage, owedFrom, readContents } from './recovery'
import { listSegments, type Segment } from './segment-name'
import { nodeFiles } from './spool-files'

/**
 * Makes a damaged spool whole: torn ends are cut, damaged places become fillers, which readers skip, the cursor is written anew if it was broken, segments that
 * are settled are removed. No record that can be read is touched. Only for the owner of the directory. Throws what the file system throws.
 *
 * Returns one sentence for each thing that was done.
 */
export function repairSpool(directory: string): string[] {
  const done: string[] = []
  const listing = listSegments(nodeFiles, directory)
  const cursor = new CursorFile(nodeFiles, directory)
  const { floor, problem } = cursor.find(listing)
  for (const segment of listing.segments) {
    const settled = owedFrom(segment, floor) === undefined
    if (settled) nodeFiles.remove(join(directory, segment.name))
    done.push(...(settled ? [`${segment.name} was settled, and is removed`] : repairSegment(directory, segment)))
  }
  if (problem !== undefined) {
    const name = listing.segments.find(({ number }) => number === floor.segment)?.name ?? ''
    cursor.write(floor, name, true, cursor.generation + 1)
    done.push(`a cursor is written that begins at ${floor.offset} of segment ${floor.segment}`)
  }
  return done
}

function repairSegment(directory: string, segment: Segment): string[] {
  const { damaged, tornBytes, end } = readContents(nodeFiles, directory, segment)
  const done: string[] = []
  if (tornBytes > 0) {
    cutTail(nodeFiles, directory, segment, end)
    done.push(`${segment.name}: the torn end of ${tornBytes} bytes is cut`)
  }
  for (const damage of damaged) {
    if (!fill(directory, segment, damage)) continue
    done.push(`${segment.name}: ${damage.to - damage.from} damaged bytes at ${damage.from} are marked as filler`)
  }
  return done
}

/* Only the first bytes of the place change, so all positions stay what they are. */
function fill(directory: string, { name, seed }: Segment, { from, to }: Damage): boolean {
  if (to - from < HEADER_BYTES) return false
  const file = nodeFiles.open(join(directory, name), 'change')
  try {
    const frame = Buffer.alloc(to - from)
    let read = 0
    while (read < frame.length) {
      const more = nodeFiles.read(file, frame.subarray(read), frame.length - read, from + read)
      if (more === 0) return false
      read += more
    }
    writeHeader(frame, KIND.filler, {}, seed, from)
    nodeFiles.write(file, frame, 0, HEADER_BYTES, from)
    nodeFiles.sync(file)
    return true
  } finally {
    nodeFiles.close(file)
  }
}
