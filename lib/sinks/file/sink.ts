import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SendResult, Sink } from '../sink'
import { writeFully } from '../write-fully'
import type { FileSinkOptions } from './options'

/** Opens a file for appending on this thread, at the first write; after a failed write it is opened anew at the next one. */
export function openFileSink({ path }: Pick<FileSinkOptions, 'path'>): Sink {
  let fd: number | undefined

  function close(): void {
    if (fd === undefined) return
    const old = fd
    fd = undefined
    try {
      closeSync(old)
    } catch {
      // The descriptor is released all the same; what could not be stored has been reported by the write that failed.
    }
  }

  return {
    write(lines, pause): SendResult {
      try {
        fd ??= open(path)
      } catch (error) {
        return { outcome: 'retryable', written: 0, reason: (error as Error).message }
      }
      const result = writeFully(fd, lines, lines.length, pause)
      if (result.outcome !== 'delivered') close()
      return result
    },
    close,
  }
}

function open(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a')
}
