import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import type { Sink } from '../sink'
import { writeFully } from '../write-fully'
import type { ConsoleSinkOptions } from './options'

/** POSIX lets a write of at most this many bytes to a pipe through in one piece, whoever else writes to it (PIPE_BUF on Linux). */
const PIPE_BUF = 4096
const UNLIMITED = Number.MAX_SAFE_INTEGER

/**
 * Opens stdout or stderr for writing on this thread.
 *
 * A blocking write to a pipe whose reader sleeps would keep this thread in the kernel, and the process alive, for ever. So a pipe
 * or terminal is opened again through /proc/self/fd with O_NONBLOCK, which changes nothing for others that share it;
 * EAGAIN is then waited for in steps that can be stopped. Where that is not possible, the descriptor is used as it is.
 */
export function openConsoleSink({ stream }: Pick<Required<ConsoleSinkOptions>, 'stream'>): Sink {
  const shared = stream === 'stdout' ? 1 : 2
  const own = openNonBlocking(shared)
  const fd = own ?? shared
  let open = true
  return {
    write: (lines, pause) => writeFully(fd, lines, own === undefined ? UNLIMITED : PIPE_BUF, pause),
    close() {
      if (open && own !== undefined) closeSync(own)
      open = false
    },
  }
}

function openNonBlocking(fd: number): number | undefined {
  try {
    const stat = fstatSync(fd)
    if (!stat.isFIFO() && !stat.isCharacterDevice()) return undefined
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}
