import { join } from 'node:path'
import { crc32c } from './crc32c'
import type { SpoolPosition } from './position'
import type { Listing } from './segment-name'
import { codeOf, type SpoolFiles } from './spool-files'

/*
 * How far the spool was committed, in two generations:
 *
 *   cursor.0, cursor.1     {"v":1,"generation":7,"segment":3,"offset":4096,"name":"0000000003-9f3a2c71.v1.seg"}
 *                          8d0b5c2e                                    CRC-32C of the line above
 *
 * A new generation is written beside them, as cursor.tmp, and renamed over the older one. The youngest that is known to be on the disk is never
 * overwritten by one that is not.
 */
const SLOTS = ['cursor.0', 'cursor.1'] as const
const TEMPORARY = 'cursor.tmp'
const VERSION = 1
const MAX_BYTES = 64 * 1024
const MAX_SEGMENT = 0x7fff_ffff

interface Generation extends SpoolPosition {
  readonly v: number
  readonly generation: number
  /** The file of the segment, because a number alone may be that of another spool's. */
  readonly name: string
}

interface Found {
  readonly slot: number
  readonly cursor: Generation
}

/** Where reading begins. */
export interface Start {
  readonly floor: SpoolPosition
  /** Why it is not where the youngest cursor says. */
  readonly problem?: string
}

/** The two files of a cursor. One thread writes them. */
export class CursorFile {
  readonly #files: SpoolFiles
  readonly #directory: string
  #slot = 0
  #latest: Partial<Generation> = {}

  constructor(files: SpoolFiles, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /**
   * The place up to which everything is committed. A cursor that is broken, or ahead of all segments, gives way to the older generation, and that to the
   * oldest record: what is delivered twice is not lost.
   */
  find(listing: Listing): Start {
    const { found, broken } = this.#read()
    for (const [i, { slot, cursor }] of found.entries()) {
      const floor = this.#place(cursor, listing)
      if (floor === undefined) continue
      this.#slot = 1 - slot
      this.#latest = { ...cursor, generation: (found[0] as Found).cursor.generation }
      if (i > 0 || broken) return { floor, problem: 'a cursor is broken or ahead of the segments; the other generation is used' }
      if (floor.offset < cursor.offset) return { floor, problem: 'the cursor is ahead of its segment, of which the end was lost' }
      return { floor }
    }
    this.#latest = { generation: found[0]?.cursor.generation ?? 0 }
    const oldest = listing.segments[0]
    const floor = { segment: oldest?.number ?? 1, offset: 0 }
    const lost = found.length > 0 || broken || floor.segment > 1
    return lost && oldest !== undefined
      ? { floor, problem: 'there is no usable cursor; the oldest record is the first' }
      : { floor }
  }

  /** Writes a new generation; with `sync` waits until it is on the disk. Throws what the file system throws: then the older ones hold. */
  write({ segment, offset }: SpoolPosition, name: string, sync: boolean): void {
    const next = { ...this.#latest, v: VERSION, generation: (this.#latest.generation ?? 0) + 1, segment, offset, name }
    const temporary = join(this.#directory, TEMPORARY)
    this.#replace(temporary, textOf(next), sync)
    this.#files.rename(temporary, join(this.#directory, SLOTS[this.#slot] as string))
    this.#latest = next
    if (!sync) return
    this.#files.syncDirectory(this.#directory)
    this.#slot = 1 - this.#slot
  }

  #replace(path: string, text: Buffer, sync: boolean): void {
    const file = this.#make(path)
    try {
      for (let written = 0; written < text.length; ) {
        const more = this.#files.write(file, text, written, text.length - written, written)
        if (more === 0) throw new Error('nothing could be written')
        written += more
      }
      if (sync) this.#files.sync(file)
    } finally {
      this.#files.close(file)
    }
  }

  /* One is left of a process that was killed. */
  #make(path: string): number {
    try {
      return this.#files.open(path, 'make')
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      this.#files.remove(path)
      return this.#files.open(path, 'make')
    }
  }

  #read(): { readonly found: readonly Found[]; readonly broken: boolean } {
    const found: Found[] = []
    let broken = false
    for (const [slot, name] of SLOTS.entries()) {
      const text = this.#textOf(name)
      if (text === undefined) continue
      const cursor = text === 'unreadable' ? undefined : parse(text)
      if (cursor === undefined) broken = true
      else found.push({ slot, cursor })
    }
    found.sort((a, b) => b.cursor.generation - a.cursor.generation)
    return { found, broken }
  }

  #textOf(name: string): Buffer | 'unreadable' | undefined {
    try {
      const file = this.#files.open(join(this.#directory, name), 'read')
      try {
        const bytes = Buffer.alloc(MAX_BYTES)
        return bytes.subarray(0, this.#files.read(file, bytes, MAX_BYTES, 0))
      } finally {
        this.#files.close(file)
      }
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? undefined : 'unreadable'
    }
  }

  #place({ segment, offset, name }: Generation, { segments }: Listing): SpoolPosition | undefined {
    const same = segments.find(({ number }) => number === segment)
    // Segments are removed from the oldest on, so one that is settled and gone leaves no older one behind.
    if (same === undefined) return segments.some(({ number }) => number < segment) ? undefined : { segment, offset }
    return same.name === name || offset === 0 ? { segment, offset: Math.min(offset, this.#sizeOf(name)) } : undefined
  }

  #sizeOf(name: string): number {
    try {
      return this.#files.sizeAt(join(this.#directory, name))
    } catch {
      return 0xffff_ffff // It cannot be told: then the cursor is believed.
    }
  }
}

function textOf(cursor: Generation): Buffer {
  const line = Buffer.from(JSON.stringify(cursor))
  return Buffer.concat([line, Buffer.from(`\n${checksum(line)}\n`)])
}

function checksum(line: Uint8Array): string {
  return crc32c(line).toString(16).padStart(8, '0')
}

function parse(text: Buffer): Generation | undefined {
  const end = text.indexOf('\n')
  if (end < 0 || text.toString('latin1', end + 1) !== `${checksum(text.subarray(0, end))}\n`) return undefined
  try {
    const cursor = JSON.parse(text.toString('utf8', 0, end)) as Generation
    const { v, generation, segment, offset, name } = cursor
    const numbers = [v, generation, segment, offset].every((value) => Number.isSafeInteger(value) && value >= 0)
    return numbers && v >= VERSION && segment >= 1 && segment <= MAX_SEGMENT && typeof name === 'string' ? cursor : undefined
  } catch {
    return undefined
  }
}
