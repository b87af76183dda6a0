import { closeSync, constants, fdatasyncSync, fstatSync, mkdirSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

const { O_APPEND, O_CREAT, O_NONBLOCK = 0, O_WRONLY } = constants
/* Without O_NONBLOCK a FIFO that nobody reads would hold this thread in the kernel; see file/sink.ts. */
const FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK
export const NEW_LINE = 0x0a

/** Permissions of what is made. */
export interface Modes {
  readonly mode: number
  readonly directoryMode: number
}

/** Opens a file, and makes it and its folder if they are missing. Throws what the file system throws. */
export function openForAppending(path: string, { mode, directoryMode }: Modes): { readonly fd: number; readonly stat: Stats } {
  const fd = inFolder(path, directoryMode, () => openSync(path, FLAGS, mode))
  return { fd, stat: fstatSync(fd) }
}

/** Makes the folder of `path` if it is missing. */
export function inFolder<R>(path: string, mode: number, act: () => R): R {
  try {
    return act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true, mode })
    return act()
  }
}

/** Forces a file to the disk. One that is gone has been compressed, and that was synced, or it has been removed. */
export function syncFile(path: string): void {
  if (statOf(path) === undefined) return
  const fd = openSync(path, constants.O_RDWR)
  try {
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Undefined for what is not there, or cannot be looked at. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** Whether the last byte of a file of so many bytes ends a line. */
export function endsLine(path: string, bytes: number): boolean {
  if (bytes === 0) return false
  const fd = openSync(path, constants.O_RDONLY)
  try {
    const last = Buffer.alloc(1)
    readSync(fd, last, 0, 1, bytes - 1)
    return last[0] === NEW_LINE
  } finally {
    closeSync(fd)
  }
}

/** Where the line ends that is at `from`. */
export function lineEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(NEW_LINE, from)
  return at === -1 ? bytes.length : at + 1
}
