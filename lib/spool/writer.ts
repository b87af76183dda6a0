import { dirname } from 'node:path'
import { checksumBuffer } from './checksum'
import { CursorFile } from './cursor-file'
import { headerBytes, KIND, MAX_PAYLOAD_BYTES, type RecordMeta, writeHeader } from './frame'
import { SpoolLedger } from './ledger'
import { teller } from './notice'
import { resolveWriterOptions, type SpoolWriterOptions } from './options'
import { comparePositions, type SpoolPosition } from './position'
import { newSegment, type Segment } from './segment-name'
import { SegmentStore } from './segment-store'
import { codeOf, messageOf } from './spool-files'

/** What `append` is told beside the payload. */
export interface AppendOptions extends RecordMeta {
  /** Wait until the record is on the disk, so that it survives a power failure. @default false */
  readonly sync?: boolean
}

/**
 * What became of a record.
 *
 * `spooled`: it is in the file, and survives the end of the process, `kill -9` included. `synced` is true if it was asked for and is on the disk.
 * `refused`: the caller still has it. `full`: no room, by `maxBytes`. `too-large`: larger than the spool, or than 1 GiB. `disk`: a system call failed,
 * `code` says how; if the disk failed again when the record was taken back, it may be read all the same. `closed`: the writer is closed.
 */
export type AppendResult =
  | {
      readonly outcome: 'spooled'
      readonly segment: number
      readonly offset: number
      /** Bytes in the segment: payload and header. */
      readonly length: number
      readonly synced: boolean
    }
  | { readonly outcome: 'refused'; readonly reason: 'full' | 'too-large' | 'closed'; readonly message: string }
  | { readonly outcome: 'refused'; readonly reason: 'disk'; readonly code: string; readonly message: string }

interface OpenFile {
  readonly segment: Segment
  readonly handle: number
  /** Where the next record begins. */
  end: number
  /** Whether a failed write may have left bytes behind `end`. */
  untidy: boolean
  nameSynced: boolean
}

const SCRATCH_BYTES = 256 * 1024
const RECOUNT_AFTER = 256

/**
 * Appends records to a spool. One thread at a time uses it; the reader may be in another thread. Nothing of it throws.
 *
 * Two writers with one ledger may take turns, as a flush thread and the thread that takes over from it: each turn begins a segment.
 */
export class SpoolWriter {
  readonly ledger: SpoolLedger
  readonly #options: ReturnType<typeof resolveWriterOptions>
  readonly #store: SegmentStore
  readonly #turn: bigint
  #scratch = Buffer.alloc(0)
  #open: OpenFile | undefined
  /* The last one that this writer made. */
  #newest: Segment | undefined
  #ready = false
  #placeSynced = false
  #closed = false
  #refusedInARow = 0

  /** Throws ERR_TRACELANE_OPTION_* for wrong options. See `openSpoolWriter`. */
  constructor(options: SpoolWriterOptions) {
    this.#options = resolveWriterOptions(options)
    this.ledger = new SpoolLedger(this.#options.ledger)
    this.#store = new SegmentStore(this.#options, this.ledger, teller(this.#options.onNotice))
    this.#turn = this.ledger.newWriter()
    try {
      this.#begin()
    } catch (error) {
      this.#store.tell('disk', `the spool ${this.#options.directory} cannot be opened, and is tried again: ${messageOf(error)}`)
    }
  }

  /** Appends one record. `payload` may be used again when it returns. */
  append(payload: Uint8Array, options: AppendOptions = {}): AppendResult {
    const tally = { records: 1, events: options.events ?? 0, bytes: payload.length }
    const result = this.#tryAppend(payload, options)
    this.ledger.add(result.outcome, tally)
    return result
  }

  /** Releases the descriptor. Idempotent; later records are refused. Does not wait for the disk. */
  close(): void {
    this.#closed = true
    this.#seal()
  }

  #tryAppend(payload: Uint8Array, options: AppendOptions): AppendResult {
    if (this.#closed) return refused('closed', 'the writer of the spool is closed')
    const length = headerBytes(options) + payload.length
    if (payload.length > MAX_PAYLOAD_BYTES || length > this.#options.maxBytes) {
      return refused('too-large', `a record of ${payload.length} bytes does not fit into the spool`)
    }
    try {
      if (!this.#ready) this.#begin()
      if (!this.#makeRoom(length)) return refused('full', `the spool has its ${this.#options.maxBytes} bytes`)
      const file = this.#fileFor(length)
      const offset = file.end
      this.#write(file, this.#frame(payload, options, file), length)
      const synced = options.sync === true && this.#sync(file)
      return { outcome: 'spooled', segment: file.segment.number, offset, length, synced }
    } catch (error) {
      return { outcome: 'refused', reason: 'disk', code: codeOf(error), message: messageOf(error) }
    }
  }

  #begin(): void {
    const { directory, files } = this.#options
    files.makeDirectory(directory)
    this.#store.begin(new CursorFile(files, directory), true)
    this.#ready = true
  }

  /* The frame in a buffer that is used again, so that checksum and file are of the same bytes, whoever changes the payload meanwhile. */
  #frame(payload: Uint8Array, meta: RecordMeta, { segment, end }: OpenFile): Buffer {
    const header = headerBytes(meta)
    const length = header + payload.length
    const frame = checksumBuffer(length) ?? this.#buffer(length).subarray(0, length)
    frame.set(payload, header)
    writeHeader(frame, KIND.data, meta, segment.seed, end)
    return frame
  }

  #buffer(length: number): Buffer {
    if (length <= this.#scratch.length) return this.#scratch
    const buffer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)))
    if (buffer.length <= SCRATCH_BYTES) this.#scratch = buffer
    return buffer
  }

  #write(file: OpenFile, frame: Buffer, length: number): void {
    try {
      for (let written = 0; written < length; ) {
        const more = this.#options.files.write(file.handle, frame, written, length - written, file.end + written)
        if (more === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' })
        written += more
      }
    } catch (error) {
      // The next record is written over what came of this one; on a disk with a fault, into another file.
      file.untidy = true
      if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') this.#seal()
      throw error
    }
    file.end += length
    this.ledger.store(length)
  }

  #sync(file: OpenFile): boolean {
    try {
      this.#options.files.sync(file.handle)
      if (!file.nameSynced) this.#syncNames()
      file.nameSynced = true
      return true
    } catch (error) {
      this.#store.tell('disk', `a segment could not be forced to the disk: ${messageOf(error)}`)
      // After a failed fsync the kernel may take lost pages for written ones: no later fsync of this file means anything.
      this.#seal()
      return false
    }
  }

  /* Of the directory above only the first time: it knows this one since the opening. */
  #syncNames(): void {
    const { directory, files } = this.#options
    files.syncDirectory(directory)
    if (!this.#placeSynced) files.syncDirectory(dirname(directory))
    this.#placeSynced = true
  }

  #fileFor(length: number): OpenFile {
    const { segmentBytes } = this.#options
    const mine = this.ledger.appender === this.#turn
    const fits = this.#open !== undefined && (this.#open.end === 0 || this.#open.end + length <= segmentBytes)
    if (this.#open !== undefined && mine && fits && this.#options.files.isLinked(this.#open.handle)) return this.#open
    this.#seal()
    this.#open = this.#newFile(mine)
    this.ledger.appender = this.#turn
    return this.#open
  }

  #newFile(isFollowing: boolean): OpenFile {
    const floor = this.ledger.floor as SpoolPosition
    // Nobody else has made one since.
    const next = isFollowing && this.#newest !== undefined ? this.#newest.number + 1 : this.#store.list().next
    // A number below the floor, or that of a segment which is settled and removed, would never be read.
    const segment = newSegment(Math.max(next, floor.offset > 0 ? floor.segment + 1 : floor.segment))
    const handle = this.#make(segment)
    this.#newest = segment
    return { segment, handle, end: 0, untidy: false, nameSynced: false }
  }

  #make(segment: Segment): number {
    const { directory, files } = this.#options
    try {
      return files.open(this.#store.pathOf(segment), 'make')
    } catch (error) {
      // Somebody removed the directory.
      if (codeOf(error) !== 'ENOENT') throw error
      files.makeDirectory(directory)
      return files.open(this.#store.pathOf(segment), 'make')
    }
  }

  #seal(): void {
    const file = this.#open
    if (file === undefined) return
    this.#open = undefined
    const { files } = this.#options
    try {
      if (file.untidy) files.truncate(file.handle, file.end)
    } catch {
      // The reader skips and counts what is left behind the last record.
    }
    try {
      files.close(file.handle)
      if (file.end === 0) files.remove(this.#store.pathOf(file.segment))
    } catch {
      // An empty segment is no harm.
    }
  }

  #makeRoom(length: number): boolean {
    const { maxBytes, whenFull } = this.#options
    if (this.ledger.stored + length > maxBytes && this.#refusedInARow++ % RECOUNT_AFTER === 0) this.#tidy()
    while (this.ledger.stored + length > maxBytes) {
      if (whenFull === 'refuse' || !this.#dropOldest()) return false
    }
    this.#refusedInARow = 0
    return true
  }

  /* A segment of ours of which everything is settled is in nobody's way but that of the next record. */
  #tidy(): void {
    const floor = this.ledger.floor as SpoolPosition
    const open = this.#open
    if (open !== undefined && comparePositions(floor, { segment: open.segment.number, offset: open.end }) >= 0) this.#seal()
    for (const segment of this.#store.list().segments) {
      const end = { segment: segment.number, offset: this.#options.files.sizeAt(this.#store.pathOf(segment)) }
      if (segment.number === this.#open?.segment.number || comparePositions(floor, end) < 0) break
      this.#store.remove(segment)
    }
    this.#store.recount()
  }

  #dropOldest(): boolean {
    const [oldest] = this.#store.list().segments
    if (oldest === undefined) return false
    if (this.#open?.segment.number === oldest.number) this.#seal()
    return this.#store.drop(oldest)
  }
}

function refused(reason: 'full' | 'too-large' | 'closed', message: string): AppendResult {
  return { outcome: 'refused', reason, message }
}

/**
 * Opens the writer of a spool, and finds what an earlier process left there. Throws ERR_TRACELANE_OPTION_* for wrong options, else nothing: a disk in
 * trouble is told as a notice, and tried again at each record.
 */
export function openSpoolWriter(options: SpoolWriterOptions): SpoolWriter {
  return new SpoolWriter(options)
}
