import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { SEVERITY } from '../../event'
import { DELIVERED, type Pause, type Rows, type SendResult, type Sink } from '../sink'
import { writeFully } from '../write-fully'
import { type ConsoleSinkOptions, consoleStreams } from './options'

/** POSIX lets a write of at most this many bytes to a pipe through in one piece, whoever else writes to it (PIPE_BUF on Linux). */
const PIPE_BUF = 4096
const UNLIMITED = Number.MAX_SAFE_INTEGER

interface Stream {
  write(lines: Uint8Array, pause: Pause): SendResult
  close(): void
}

/**
 * Opens stdout or stderr, or both, for writing on this thread. Lines keep their order in each of them.
 *
 * One whose reader has gone takes nothing any more; what belongs to the other one is written all the same.
 */
export function openConsoleSink(options: Pick<Required<ConsoleSinkOptions>, 'stream' | 'stderrFrom'>): Sink {
  const [main, other] = consoleStreams(options).map(openStream) as [Stream, Stream?]
  const from = options.stderrFrom === undefined ? undefined : SEVERITY[options.stderrFrom]
  /* What became of a part of the batch of which the rest is tried again. */
  let refused: SendResult | undefined
  return {
    write(lines, pause, rows) {
      if (other === undefined || from === undefined || rows === undefined) return main.write(lines, pause)
      const result = writeSplit(lines, rows, (severity) => (severity < from ? main : other), pause, refused)
      refused = result.outcome === 'retryable' ? result.refused : undefined
      return result
    },
    close() {
      main.close()
      other?.close()
    },
  }
}

function writeSplit(
  lines: Uint8Array,
  rows: Rows,
  streamOf: (severity: number) => Stream,
  pause: Pause,
  before: SendResult | undefined,
): SendResult & { readonly refused?: SendResult | undefined } {
  let refused = before
  for (const { stream, start, end } of runs(lines, rows, streamOf)) {
    const result = stream.write(lines.subarray(start, end), pause)
    if (result.outcome === 'retryable') return { ...result, written: start + result.written, refused }
    if (result.outcome === 'rejected') refused = { ...result, written: start + result.written }
  }
  return refused ?? DELIVERED
}

/* Lines that follow each other and belong to one stream; of `lines`, the end of what the rows are. */
function runs(
  lines: Uint8Array,
  rows: Rows,
  streamOf: (severity: number) => Stream,
): { readonly stream: Stream; readonly start: number; end: number }[] {
  const events = rows()
  const before = (events.at(-1)?.end ?? 0) - lines.length
  const found: { readonly stream: Stream; readonly start: number; end: number }[] = []
  for (const { end, severity } of events) {
    if (end <= before) continue
    const stream = streamOf(severity)
    const last = found.at(-1)
    if (last?.stream === stream) last.end = end - before
    else found.push({ stream, start: last?.end ?? 0, end: end - before })
  }
  return found
}

/*
 * A blocking write to a pipe whose reader sleeps would keep this thread in the kernel, and the process alive, for ever. So a pipe
 * or terminal is opened again through /proc/self/fd with O_NONBLOCK, which changes nothing for others that share it;
 * EAGAIN is then waited for in steps that can be stopped. Where that is not possible, the descriptor is used as it is.
 */
function openStream(shared: number): Stream {
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
