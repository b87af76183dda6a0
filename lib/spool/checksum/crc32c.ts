import { Folder, LEAST_BYTES } from './folder'
import { throughTables } from './tables'

/* Undefined until it is needed, null where there can be none. */
let folder: Folder | null | undefined

/**
 * The CRC-32C of `bytes`, from 0 to 0xffffffff. `before` is the CRC of what stands in front of them, so that a checksum can be made in pieces; what
 * stands before byte `start` does not count. Fastest for bytes in a `checksumBuffer()`, which need not be copied.
 */
export function crc32c(bytes: Uint8Array, before = 0, start = 0): number {
  const length = bytes.length - start
  if (length < LEAST_BYTES) return ~throughTables(bytes, ~before, start) >>> 0
  if (folder === undefined) folder = Folder.make() ?? null
  return ~(folder?.register(bytes, ~before, start) ?? throughTables(bytes, ~before, start)) >>> 0
}

/**
 * The one buffer of this thread in which `crc32c` works without copying, if it has `length` bytes. What is in it lasts until somebody else on this
 * thread asks for it.
 */
export function checksumBuffer(length: number): Buffer | undefined {
  if (folder === undefined) folder = Folder.make() ?? null
  return folder?.buffer(length)
}
