import { crypto } from '../internal/builtin'
import { crc32c } from './checksum'
import { codeOf, type SpoolFiles } from './spool-files'

/** One file of records. */
export interface Segment {
  /** Segments are read in the order of their numbers; no number is used twice. */
  readonly number: number
  readonly name: string
  /** Where the checksums of its records begin: a record that was copied from another file does not match. */
  readonly seed: number
}

/* 0000000042-9f3a2c71.v1.seg: number, random id, version of the format. */
const NAME = /^(\d{10})-[0-9a-f]{8}\.v(\d+)\.seg$/
const VERSION = 1
const FIRST = 1
const ID_DIGITS = 8
const DRAWN_BYTES = 256
/* What fits into the ledger's word for a position. */
const LAST = 0x7fff_fffe

/** The segment that the name of a file tells of; `newer` for one of a later format, undefined for another file. */
export function readSegmentName(name: string): Segment | 'newer' | undefined {
  const match = NAME.exec(name)
  if (match === null || Number(match[1]) > LAST) return undefined
  return Number(match[2]) === VERSION ? segmentOf(Number(match[1]), name) : 'newer'
}

/** A name that no segment had before. */
export function newSegment(number: number): Segment {
  return segmentOf(number, `${String(number).padStart(10, '0')}-${randomId()}.v${VERSION}.seg`)
}

/* Drawn for many segments at once: one draw takes as long as a write of 64 KiB. */
let drawn = ''

function randomId(): string {
  if (drawn === '') drawn = crypto().randomBytes(DRAWN_BYTES).toString('hex')
  const id = drawn.slice(0, ID_DIGITS)
  drawn = drawn.slice(ID_DIGITS)
  return id
}

function segmentOf(number: number, name: string): Segment {
  return { number, name, seed: crc32c(Buffer.from(name, 'latin1')) }
}

/** What stands in a spool's directory. */
export interface Listing {
  /** By number. */
  readonly segments: readonly Segment[]
  /** Names of segments that a later version of tracelane wrote. They are left alone. */
  readonly newer: readonly string[]
  /** The first number that no segment, also none of a later format, has. */
  readonly next: number
}

/** Reads a spool's directory; one that is not there is empty. Throws what else the file system throws. */
export function listSegments(files: SpoolFiles, directory: string): Listing {
  const segments: Segment[] = []
  const newer: string[] = []
  let next = FIRST
  for (const name of listNames(files, directory)) {
    const segment = readSegmentName(name)
    if (segment === undefined) continue
    next = Math.max(next, Number.parseInt(name, 10) + 1)
    if (segment === 'newer') newer.push(name)
    else segments.push(segment)
  }
  segments.sort((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1))
  return { segments, newer, next }
}

function listNames(files: SpoolFiles, directory: string): string[] {
  try {
    return files.list(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
