import { join } from 'node:path'
import { crc32c } from './checksum'
import { findMarker, HEADER_BYTES, type Header, KIND, MARKER_LENGTH, readHeader, SIGHT_BYTES } from './frame'
import type { Segment } from './segment-name'
import { codeOf, type SpoolFiles } from './spool-files'

const WINDOW_BYTES = 256 * 1024
/* What a disk refuses to read is read around in pieces of this size. */
const BLOCK_BYTES = 4096

/** What stands at an offset of a segment. */
export type Step =
  | { readonly kind: 'record'; readonly header: Header; readonly payload: Buffer; readonly next: number }
  | { readonly kind: 'filler'; readonly next: number }
  /** Damage up to `next`, where a record begins. `events` are those of damaged records whose header could be read. */
  | { readonly kind: 'damaged'; readonly events: number; readonly next: number }
  /** No record begins in the last `bytes` of the file. 0: the file ends here. */
  | { readonly kind: 'tail'; readonly events: number; readonly bytes: number }

type Parsed =
  | Extract<Step, { kind: 'record' | 'filler' }>
  | { readonly kind: 'damage' /** If it could be read. */; readonly header: Header | undefined }

/**
 * A segment open for reading, perhaps while it grows. What is read stays valid: no buffer is used twice.
 */
export class OpenSegment {
  readonly segment: Segment
  /** Reads zeros where the disk fails with EIO, so that what is behind can be read. */
  lenient = false
  readonly #files: SpoolFiles
  readonly #file: number
  #window: Buffer = Buffer.alloc(0)
  #start = 0

  /** Throws what the file system throws. The caller closes it. */
  constructor(files: SpoolFiles, directory: string, segment: Segment) {
    this.segment = segment
    this.#files = files
    this.#file = files.open(join(directory, segment.name), 'read')
  }

  size(): number {
    return this.#files.size(this.#file)
  }

  close(): void {
    try {
      this.#files.close(this.#file)
    } catch {
      // Nothing was written through it.
    }
  }

  /** What is at `offset`, as the file is now. Throws what the file system throws. */
  step(offset: number): Step {
    const known = this.#parse(offset)
    if (known.kind !== 'damage') return known
    const now = this.#parseAnew(offset)
    if (now.kind !== 'damage') return now
    const beyond = this.#beyondDamage(offset)
    if (beyond.kind === 'tail') return beyond
    // What was found behind it may have been written meanwhile, and then this one was written whole before.
    const again = this.#parseAnew(offset)
    return again.kind === 'damage' ? beyond : again
  }

  /* The window may be older than the end of the file, or be from the middle of a write. */
  #parseAnew(offset: number): Parsed {
    this.#window = Buffer.alloc(0)
    return this.#parse(offset)
  }

  #parse(offset: number): Parsed {
    const header = this.#headerAt(offset)
    if (header === undefined) return { kind: 'damage', header }
    const frame = this.#see(offset, header.length)
    if (frame.length < header.length) return { kind: 'damage', header: undefined }
    const payload = frame.subarray(header.headerLength, header.length)
    const next = offset + header.length
    if (header.kind > KIND.filler || crc32c(payload) !== header.payloadCrc) return { kind: 'damage', header }
    return header.kind === KIND.filler ? { kind: 'filler', next } : { kind: 'record', header, payload, next }
  }

  #beyondDamage(offset: number): Step {
    let from = offset + 1
    let events = 0
    const broken = this.#parse(offset)
    if (broken.kind === 'damage' && broken.header !== undefined) {
      from = offset + broken.header.length
      events = broken.header.events
    }
    const next = this.#find(from)
    return next === undefined
      ? { kind: 'tail', events, bytes: Math.max(0, this.size() - offset) }
      : { kind: 'damaged', events, next }
  }

  /* The first offset from `from` on at which a header is whole. */
  #find(from: number): number | undefined {
    for (let offset = from; ; ) {
      const bytes = this.#see(offset, WINDOW_BYTES)
      const at = findMarker(bytes, 0)
      if (at >= 0) {
        offset += at
        if (this.#headerAt(offset) !== undefined) return offset
        offset++
      } else if (bytes.length < WINDOW_BYTES) return undefined
      else offset += bytes.length - MARKER_LENGTH + 1
    }
  }

  #headerAt(offset: number): Header | undefined {
    let bytes = this.#see(offset, HEADER_BYTES)
    const header = readHeader(bytes, 0, this.segment.seed, offset)
    if (header !== undefined) return header
    bytes = this.#see(offset, SIGHT_BYTES)
    return readHeader(bytes, 0, this.segment.seed, offset)
  }

  /* At least `length` bytes from `offset` on, fewer only at the end of the file; perhaps more. */
  #see(offset: number, length: number): Buffer {
    const at = offset - this.#start
    if (at < 0 || at + length > this.#window.length) this.#load(offset, length)
    return this.#window.subarray(offset - this.#start)
  }

  #load(offset: number, length: number): void {
    const there = Math.max(0, this.size() - offset)
    const bytes = Buffer.allocUnsafeSlow(Math.min(there, Math.max(length, WINDOW_BYTES)))
    const read = this.#fill(bytes, offset)
    this.#window = bytes.subarray(0, read)
    this.#start = offset
  }

  #fill(bytes: Buffer, offset: number): number {
    let filled = 0
    while (filled < bytes.length) {
      const piece = bytes.subarray(filled)
      const read = this.#read(piece, offset + filled)
      if (read === 0) break
      filled += read
    }
    return filled
  }

  #read(into: Buffer, offset: number): number {
    try {
      return this.#files.read(this.#file, into, into.length, offset)
    } catch (error) {
      if (!this.lenient || codeOf(error) !== 'EIO') throw error
    }
    const block = into.subarray(0, Math.min(into.length, BLOCK_BYTES - (offset % BLOCK_BYTES)))
    try {
      return this.#files.read(this.#file, block, block.length, offset)
    } catch (error) {
      if (codeOf(error) !== 'EIO') throw error
    }
    block.fill(0)
    return Math.min(block.length, Math.max(0, this.size() - offset))
  }
}
