import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** `read`: must exist. `make`: must not exist; for writing. `change`: must exist; for writing. */
export type OpenMode = 'read' | 'make' | 'change'

const FLAGS = { read: 'r', make: 'wx', change: 'r+' } as const

/**
 * The system calls of a spool. All are synchronous, because a spool is also written at the end of a process and on the thread that logs, and all
 * throw what node:fs throws. Tests put faults between these and the disk.
 */
export interface SpoolFiles {
  open(path: string, mode: OpenMode): number
  /** How many bytes were read, 0 at the end of the file. */
  read(file: number, into: Uint8Array, length: number, position: number): number
  /** How many bytes were written, which may be fewer than given. */
  write(file: number, bytes: Uint8Array, from: number, length: number, position: number): number
  truncate(file: number, length: number): void
  /** Waits until what was written is on the disk. */
  sync(file: number): void
  size(file: number): number
  sizeAt(path: string): number
  /** Whether the file still has a name: what is written to one without is lost. */
  isLinked(file: number): boolean
  close(file: number): void
  rename(from: string, to: string): void
  remove(path: string): void
  /** Names in a directory, in no order. */
  list(directory: string): string[]
  /** Makes it and its parents; does nothing if it is there. */
  makeDirectory(directory: string): void
  removeDirectory(directory: string): void
  /** Waits until names made, changed and removed in it are on the disk. */
  syncDirectory(directory: string): void
  /** When a file was last written or touched, in milliseconds of the file system's clock. */
  modifiedAt(path: string): number
  /** Makes a file look written at `ms`. */
  touch(path: string, ms: number): void
}

/* Not mkdir's own recursion: under /proc, where nothing can be made, that never ends (Node 20 to 24). */
function makeDirectory(directory: string): void {
  try {
    makeOne(directory)
  } catch (error) {
    const parent = dirname(directory)
    if (codeOf(error) !== 'ENOENT' || parent === directory) throw error
    makeDirectory(parent)
    makeOne(directory)
  }
}

function makeOne(directory: string): void {
  try {
    mkdirSync(directory, 0o750)
  } catch (error) {
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}

/** The real ones. */
export const nodeFiles: SpoolFiles = Object.freeze({
  open: (path: string, mode: OpenMode) => openSync(path, FLAGS[mode], 0o640),
  read: (file: number, into: Uint8Array, length: number, position: number) => readSync(file, into, 0, length, position),
  write: (file: number, bytes: Uint8Array, from: number, length: number, position: number) =>
    writeSync(file, bytes, from, length, position),
  truncate: ftruncateSync,
  sync: fdatasyncSync,
  size: (file: number) => fstatSync(file).size,
  sizeAt: (path: string) => statSync(path).size,
  isLinked: (file: number) => fstatSync(file).nlink > 0,
  close: closeSync,
  rename: renameSync,
  remove: unlinkSync,
  list: (directory: string) => readdirSync(directory),
  makeDirectory,
  removeDirectory: rmdirSync,
  syncDirectory(directory: string) {
    // Windows has no such call, and keeps names safe by itself.
    if (process.platform === 'win32') return
    const handle = openSync(directory, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  },
  modifiedAt: (path: string) => statSync(path).mtimeMs,
  touch: (path: string, ms: number) => utimesSync(path, ms / 1000, ms / 1000),
})

/** The code of a failed system call, as ENOSPC. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'unknown'
}

/** What a failed system call said. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
