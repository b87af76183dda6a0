import { resolve } from 'node:path'
import { checkOptions, type Rule, rules } from '../internal/options'
import type { OnNotice } from './notice'
import { nodeFiles, type SpoolFiles } from './spool-files'

const MEBIBYTE = 1024 * 1024
const MAX_BYTES = 1024 * 1024 * MEBIBYTE
const MAX_SEGMENT_BYTES = 1024 * MEBIBYTE
const MIN_BYTES = 4096
/* Of a spool that is full only whole segments are dropped, so there must be some. */
const SEGMENTS_AT_LEAST = 4
const MAX_SYNC_CURSOR_MS = 3_600_000

/** What writer and reader of a spool have in common. */
export interface SpoolPlace {
  /** The spool's own directory, as `claimSpool` gives it. */
  readonly directory: string
  /** The buffer of the `SpoolLedger` that writer and reader share. @default one of its own */
  readonly ledger?: SharedArrayBuffer
  /** Hears of damage, drops and failed system calls. @default nobody */
  readonly onNotice?: OnNotice
  /** The system calls. @default those of node:fs */
  readonly files?: SpoolFiles
}

/** Options of `openSpoolWriter`. */
export interface SpoolWriterOptions extends SpoolPlace {
  /** What all segments may have together, in bytes; 4 KiB to 1 TiB. @default 268435456 (256 MiB) */
  readonly maxBytes?: number
  /** After how many bytes the next segment begins; 1 KiB to 1 GiB, and at most a quarter of `maxBytes`. @default 8388608 (8 MiB) */
  readonly segmentBytes?: number
  /** What happens to a record for which there is no room: it is refused, or the oldest segments are removed for it. @default 'refuse' */
  readonly whenFull?: 'refuse' | 'drop-oldest'
}

/** Options of `openSpoolReader`. */
export interface SpoolReaderOptions extends SpoolPlace {
  /**
   * How long a committed cursor may wait to be forced to the disk, in milliseconds, 0 to 3600000. A process that is killed loses nothing of it; after a
   * power failure what was committed meanwhile is read again. 0: each commit waits for the disk.
   * @default 1000
   */
  readonly syncCursorMs?: number
  /** No writer is at work: what is not whole at the end of the last segment is damage. @default false */
  readonly final?: boolean
  /** The time in milliseconds. @default Date.now */
  readonly now?: () => number
}

const object: Rule = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object')
const shared: Rule = (value) => (value instanceof SharedArrayBuffer ? undefined : 'a SharedArrayBuffer, as a SpoolLedger has it')
const PLACE = { directory: rules.string, ledger: shared, onNotice: rules.function, files: object }
const WRITER = {
  ...PLACE,
  maxBytes: rules.integer(MIN_BYTES, MAX_BYTES),
  segmentBytes: rules.integer(MIN_BYTES / SEGMENTS_AT_LEAST, MAX_SEGMENT_BYTES),
  whenFull: rules.oneOf('refuse', 'drop-oldest'),
}
const READER = {
  ...PLACE,
  syncCursorMs: rules.integer(0, MAX_SYNC_CURSOR_MS),
  final: rules.boolean,
  now: rules.function,
}

/** A complete copy; throws ERR_TRACELANE_OPTION_*. */
export function resolveWriterOptions(options: SpoolWriterOptions) {
  checkOptions('openSpoolWriter', options, WRITER, ['directory'])
  const { maxBytes = 256 * MEBIBYTE, segmentBytes = 8 * MEBIBYTE, whenFull = 'refuse' } = options
  const quarter = Math.floor(maxBytes / SEGMENTS_AT_LEAST)
  return Object.freeze({ ...placeOf(options), maxBytes, segmentBytes: Math.min(segmentBytes, quarter), whenFull })
}

/** A complete copy; throws ERR_TRACELANE_OPTION_*. */
export function resolveReaderOptions(options: SpoolReaderOptions) {
  checkOptions('openSpoolReader', options, READER, ['directory'])
  const { syncCursorMs = 1000, final = false, now = Date.now } = options
  return Object.freeze({ ...placeOf(options), syncCursorMs, final, now })
}

function placeOf({ directory, ledger, onNotice, files = nodeFiles }: SpoolPlace) {
  return { directory: resolve(directory), ledger, onNotice, files }
}
