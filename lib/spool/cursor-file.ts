import { join } from 'node:path'
import { crc32c } from './checksum'
import type { SpoolPosition } from './position'
import type { Listing } from './segment-name'
import { codeOf, type SpoolFiles } from './spool-files'

/*
 * How far the spool was committed:
 *
 *   cursor.0, cursor.1     {"v":1,"generation":7,"segment":3,"offset":4096,"name":"0000000003-9f3a2c71.v1.seg"}
 *                          8d0b5c2e                                    CRC-32C of the line above
 *   cursor.now             two cells of 512 bytes, each with a cursor as above
 *
 * What is forced to the disk is written beside the older one of cursor.0 and cursor.1, as cursor.tmp, and renamed over it. What is not is written into
 * the older cell, because a rename over a file makes file systems write at once. The youngest that is whole counts.
 */
const SLOTS = ['cursor.0', 'cursor.1'] as const
const CELLS = 'cursor.now'
const CELL_BYTES = 512
const CHECKSUM_BYTES = 9
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
  /** The place in SLOTS; undefined for a cell. */
  readonly slot: number | undefined
  readonly cursor: Generation
}

/** Where reading begins. */
export interface Start {
  readonly floor: SpoolPosition
  /** Why it is not where the youngest cursor says. */
  readonly problem?: string
}

/** The files of a cursor. One thread writes them, and closes. */
export class CursorFile {
  readonly #files: SpoolFiles
  readonly #directory: string
  #slot = 0
  #cells: number | undefined
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
    this.#slot = found.find(({ slot }) => slot !== undefined)?.slot === 0 ? 1 : 0
    for (const [i, { cursor }] of found.entries()) {
      const floor = this.#place(cursor, listing)
      if (floor === undefined) continue
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

  /** The youngest generation that is known here. */
  get generation(): number {
    return this.#latest.generation ?? 0
  }

  /**
   * Writes `generation`, which is above all before; with `sync` waits until it is on the disk. Throws what the file system throws: then the older ones hold.
   */
  write({ segment, offset }: SpoolPosition, name: string, sync: boolean, generation: number): void {
    const next = { ...this.#latest, v: VERSION, generation, segment, offset, name }
    const text = textOf(next)
    if (sync || text.length > CELL_BYTES) this.#writeSlot(text)
    else this.#writeCell(text, generation)
    this.#latest = next
  }

  close(): void {
    const file = this.#cells
    this.#cells = undefined
    if (file !== undefined) this.#files.close(file)
  }

  #writeSlot(text: Buffer): void {
    const temporary = join(this.#directory, TEMPORARY)
    this.#replace(temporary, text)
    this.#files.rename(temporary, join(this.#directory, SLOTS[this.#slot] as string))
    this.#files.syncDirectory(this.#directory)
    this.#slot = 1 - this.#slot
  }

  #writeCell(text: Buffer, generation: number): void {
    this.#cells ??= this.#openCells()
    try {
      this.#writeAll(this.#cells, text, (generation % 2) * CELL_BYTES)
    } catch (error) {
      this.close()
      throw error
    }
  }

  #openCells(): number {
    const path = join(this.#directory, CELLS)
    try {
      return this.#files.open(path, 'change')
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      return this.#files.open(path, 'make')
    }
  }

  #replace(path: string, text: Buffer): void {
    const file = this.#make(path)
    try {
      this.#writeAll(file, text, 0)
      this.#files.sync(file)
    } finally {
      this.#files.close(file)
    }
  }

  #writeAll(file: number, text: Buffer, at: number): void {
    for (let written = 0; written < text.length; ) {
      const more = this.#files.write(file, text, written, text.length - written, at + written)
      if (more === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' })
      written += more
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
    const cells = this.#textOf(CELLS)
    // Of cells nothing is said when they are not whole: they may be from before a power failure.
    for (let at = 0; cells instanceof Buffer && at < cells.length; at += CELL_BYTES) {
      const cursor = parse(cells.subarray(at, at + CELL_BYTES))
      if (cursor !== undefined) found.push({ slot: undefined, cursor })
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
  if (end < 0 || text.toString('latin1', end + 1, end + 1 + CHECKSUM_BYTES) !== `${checksum(text.subarray(0, end))}\n`)
    return undefined
  try {
    const cursor = JSON.parse(text.toString('utf8', 0, end)) as Generation
    const { v, generation, segment, offset, name } = cursor
    const numbers = [v, generation, segment, offset].every((value) => Number.isSafeInteger(value) && value >= 0)
    return numbers && v >= VERSION && segment >= 1 && segment <= MAX_SEGMENT && typeof name === 'string' ? cursor : undefined
  } catch {
    return undefined
  }
}
