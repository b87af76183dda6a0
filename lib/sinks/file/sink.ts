import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SendResult, Sink } from '../sink'
import { writeFully } from '../write-fully'
import type { FileSinkSpec } from './options'
import { reopenings, returnEmptying, takeEmptying } from './shared-state'

const { O_APPEND, O_CREAT, O_NONBLOCK = 0, O_WRONLY } = constants
/*
 * Without O_NONBLOCK a FIFO that nobody reads would hold this thread in the kernel, and with it the process at its end. It changes
 * nothing for files; Windows does not know it.
 */
const FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK

interface OpenFile {
  readonly fd: number
  readonly dev: number
  readonly ino: number
}

/** What of a `FileSinkSpec` is needed to write. */
export type FileToOpen = Pick<FileSinkSpec, 'shared'> & {
  readonly options: Pick<FileSinkSpec['options'], 'path' | 'append' | 'mode' | 'directoryMode'>
}

/**
 * Opens a file for appending on this thread, at the first write. It is opened anew after a write that failed, when a signal asked for it, and when another
 * file, or none, is found under its path: what is written to a removed file is lost.
 */
export function openFileSink(spec: FileToOpen): Sink {
  const { path } = spec.options
  let file: OpenFile | undefined
  let opening = 0

  function close(): void {
    if (file === undefined) return
    const { fd } = file
    file = undefined
    try {
      closeSync(fd)
    } catch {
      // The descriptor is released all the same; what could not be stored has been reported by the write that failed.
    }
  }

  return {
    joinsBatches: true,
    write(lines, pause): SendResult {
      try {
        const asked = spec.shared === undefined ? 0 : reopenings(spec.shared)
        if (file !== undefined && (asked !== opening || !isStillAt(path, file))) close()
        file ??= open(spec)
        opening = asked
      } catch (error) {
        return { outcome: 'retryable', written: 0, reason: (error as Error).message }
      }
      const result = writeFully(file.fd, lines, lines.length, pause)
      if (result.outcome !== 'delivered') close()
      return result
    },
    sync() {
      try {
        if (file !== undefined) fdatasyncSync(file.fd)
        return file !== undefined
      } catch {
        return false
      }
    },
    close,
  }
}

function open({ options: { path, append, mode, directoryMode }, shared }: FileToOpen): OpenFile {
  mkdirSync(dirname(path), { recursive: true, mode: directoryMode })
  const fd = openSync(path, FLAGS, mode)
  const stat = fstatSync(fd)
  if (!append && shared !== undefined && takeEmptying(shared) && stat.isFile()) empty(fd, shared)
  return { fd, dev: stat.dev, ino: stat.ino }
}

function empty(fd: number, shared: SharedArrayBuffer): void {
  try {
    ftruncateSync(fd)
  } catch (error) {
    returnEmptying(shared)
    closeSync(fd)
    throw error
  }
}

function isStillAt(path: string, { dev, ino }: OpenFile): boolean {
  try {
    const now = statSync(path, { throwIfNoEntry: false })
    return now?.dev === dev && now.ino === ino
  } catch (error) {
    // Its folder has become a file. Or nobody is allowed to look any more: then what is open may still be written to.
    return (error as NodeJS.ErrnoException).code !== 'ENOTDIR'
  }
}
