import { createReadStream, createWriteStream } from 'node:fs'
import { access, open, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { crc32, createGzip } from 'node:zlib'

const TRAILER_BYTES = 8

/**
 * Compresses a file to its name with `.gz`, and removes it. Rejects, and leaves it as it is, if anything goes wrong.
 *
 *   write x.gz.UNIQUE.tmp ──▶ fsync ──▶ rename to x.gz ──▶ fsync of the folder ──▶ remove x
 *
 * Whenever this stops, the whole of x is on the disk, as itself or as a finished x.gz. Temporary names are unique because two threads may be at one file.
 * A x.gz that is there is never written over: if it is x, only the last step was missing.
 */
export async function gzipFile(path: string, unique: string): Promise<void> {
  const target = `${path}.gz`
  if (await exists(target)) {
    if (await isGzipOf(target, path)) await rm(path)
    return
  }
  const temporary = `${target}.${unique}.tmp`
  try {
    const { mode, atime, mtime } = await stat(path)
    await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary, { flags: 'wx', mode, flush: true }))
    await utimes(temporary, atime, mtime)
    // Retention may have removed it meanwhile.
    await access(path)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
  await rm(path)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/* The last eight bytes are the checksum and the length of what was compressed (RFC 1952). */
async function isGzipOf(target: string, path: string): Promise<boolean> {
  const trailer = Buffer.alloc(TRAILER_BYTES)
  const file = await open(target)
  try {
    const { size } = await file.stat()
    if (size < TRAILER_BYTES) return false
    await file.read(trailer, 0, TRAILER_BYTES, size - TRAILER_BYTES)
  } finally {
    await file.close()
  }
  let crc = 0
  let length = 0
  for await (const chunk of createReadStream(path)) {
    crc = crc32(chunk as Buffer, crc)
    length += (chunk as Buffer).length
  }
  return trailer.readUInt32LE(0) === crc && trailer.readUInt32LE(4) === length % 2 ** 32
}

/* Not every system can. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const opened = await open(folder)
    await opened.sync().finally(() => opened.close())
  } catch {
    // The file itself is stored; its name may be lost with the power, and x is then compressed again.
  }
}
