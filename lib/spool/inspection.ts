import { join, resolve } from 'node:path'
import { CursorFile } from './cursor-file'
import type { Tally } from './ledger'
import { ownerOf } from './lock'
import { systemOwners } from './owner'
import type { SpoolPosition } from './position'
import { owedFrom, readContents, type SegmentContents } from './recovery'
import { listSegments, readSegmentName, type Segment } from './segment-name'
import { codeOf, messageOf, nodeFiles } from './spool-files'

/** One segment of an inspected spool. */
export interface SegmentReport {
  readonly name: string
  readonly bytes: number
  /** Whole records in it. */
  readonly records: number
  /** What of it is not committed. */
  readonly owed: Tally
  readonly damagedPlaces: number
  readonly damagedBytes: number
  /** Bytes behind the last record; in the last segment of a spool that is in use perhaps a record that is being written. */
  readonly tornBytes: number
}

/** What a spool looks like from outside. */
export interface SpoolReport {
  readonly directory: string
  /** The process that owns it; 0 for one that cannot be told; null if nobody does. */
  readonly usedBy: number | null
  readonly segments: readonly SegmentReport[]
  /** Not committed, of all segments. */
  readonly owed: Tally
  /** One sentence for each thing that is wrong. */
  readonly problems: readonly string[]
  /** Files that are left alone: segments of a later version, and those that were set aside. */
  readonly leftAlone: readonly string[]
}

const NOTHING: Tally = { records: 0, events: 0, bytes: 0 }
const LEASE_MS = 60_000
const ASIDE = '.unreadable'

/**
 * The directories of spools at `path`: itself, or those in it. Throws what the file system throws.
 */
export function findSpools(path: string): string[] {
  const root = resolve(path)
  if (isSpool(root)) return [root]
  const inside = nodeFiles.list(root).map((name) => join(root, name))
  return inside.filter(isSpool).sort()
}

const OWN = /^(cursor\.(0|1|now)|lock-[0-9a-f]{16})$/

function isSpool(directory: string): boolean {
  try {
    return nodeFiles.list(directory).some((name) => OWN.test(name) || readSegmentName(name) !== undefined)
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return false
    throw error
  }
}

/** Reads a whole spool, and writes nothing. Throws what the file system throws if the directory cannot be listed. */
export function inspectSpool(directory: string): SpoolReport {
  const listing = listSegments(nodeFiles, directory)
  const { floor, problem } = new CursorFile(nodeFiles, directory).find(listing)
  const problems = problem === undefined ? [] : [problem]
  const usedBy = ownerOf(directory, { files: nodeFiles, owners: systemOwners, now: Date.now, leaseMs: LEASE_MS }) ?? null
  const segments: SegmentReport[] = []
  for (const segment of listing.segments) {
    const growing = usedBy !== null && segment === listing.segments.at(-1)
    try {
      const report = reportOf(directory, segment, floor)
      segments.push(report)
      problems.push(...problemsOf(report, growing))
    } catch (error) {
      // Its reader has settled and removed it meanwhile.
      if (codeOf(error) !== 'ENOENT') problems.push(`${segment.name} cannot be read: ${messageOf(error)}`)
    }
  }
  const aside = nodeFiles.list(directory).filter((name) => name.endsWith(ASIDE))
  problems.push(...aside.map((name) => `${name} was set aside, because it could not be opened`))
  const owed = segments.reduce((all, segment) => plus(all, segment.owed), NOTHING)
  return { directory, usedBy, segments, owed, problems, leftAlone: [...listing.newer, ...aside] }
}

function reportOf(directory: string, segment: Segment, floor: SpoolPosition): SegmentReport {
  const all = readContents(nodeFiles, directory, segment)
  const from = owedFrom(segment, floor)
  const owed = from === undefined ? NOTHING : from === 0 ? all.whole : readContents(nodeFiles, directory, segment, from).whole
  return {
    name: segment.name,
    bytes: all.fileBytes,
    records: all.whole.records,
    owed,
    damagedPlaces: all.damaged.length,
    damagedBytes: damagedBytes(all),
    tornBytes: all.tornBytes,
  }
}

function damagedBytes({ damaged }: SegmentContents): number {
  return damaged.reduce((all, { from, to }) => all + to - from, 0)
}

function problemsOf({ name, damagedPlaces, damagedBytes, tornBytes }: SegmentReport, growing: boolean): string[] {
  const problems: string[] = []
  if (damagedPlaces > 0) problems.push(`${name} is damaged: ${damagedPlaces} places, ${damagedBytes} bytes`)
  if (tornBytes > 0 && !growing) problems.push(`${name} has a torn end: ${tornBytes} bytes`)
  return problems
}

function plus(a: Tally, b: Tally): Tally {
  return { records: a.records + b.records, events: a.events + b.events, bytes: a.bytes + b.bytes }
}
