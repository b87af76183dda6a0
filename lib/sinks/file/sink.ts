import { closeSync, constants, fdatasyncSync, fstatSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SendResult, Sink } from '../sink'
import { writeFully } from '../write-fully'
import type { FileSinkOptions } from './options'

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

/**
 * Opens a file for appending on this thread, at the first write. It is opened anew after a write that failed, and when another file,
 * or none, is found under its path: what is written to a removed file is lost.
 */
export function openFileSink({ path }: Pick<FileSinkOptions, 'path'>): Sink {
  let file: OpenFile | undefined

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
    write(lines, pause): SendResult {
      try {
        if (file !== undefined && !isStillAt(path, file)) close()
        file ??= open(path)
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

function open(path: string): OpenFile {
  mkdirSync(dirname(path), { recursive: true })
  const fd = openSync(path, FLAGS)
  const { dev, ino } = fstatSync(fd)
  return { fd, dev, ino }
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
