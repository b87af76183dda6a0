import type { Rows } from '../../sinks'
import { FRAME, type Frame, type RingReader, SYNC } from '../ring'
import { rowsOfFrame } from './event-rows'
import type { FrameLines } from './frame-lines'

/** One frame or several that follow each other, the first of them at TAIL, and the lines that they become, which are written with one call. */
export interface FrameRun {
  /** Where in `lines` each frame ends. */
  readonly ends: readonly number[]
  /** Good until the next run is made. */
  readonly lines: Uint8Array
  /** The events of the lines; only of one frame. */
  readonly rows: Rows | undefined
}

/*
 * A write that takes longer than this for 256 KiB, or for less, costs more than to copy into one piece what waits: the disk is asked to have it (O_DSYNC), or
 * is on the other side of a network. Into the page cache 64 KiB go in some 20 us.
 */
const SLOW_MS = 0.25
const SLOW_BYTES = 256 * 1024
/* One alone may have been this thread that had to wait for a core. */
const SLOW_WRITES = 2
/* With the frame that reaches it a run ends: 16 writes of the usual size in one. It is also what may be written twice when this thread dies. */
const RUN_BYTES = 1024 * 1024
/* What is kept for the next run; more has been the exception. */
const KEPT_BYTES = 4 * RUN_BYTES

/** One frame, the first of its ring. */
export function runOf(frame: Frame, lines: Uint8Array): FrameRun {
  return { ends: [lines.length], lines, rows: () => rowsOfFrame(frame, lines) }
}

/** Makes runs: of one frame as long as the destination is fast, of all that wait, up to about 1 MiB of lines, when its last two writes took long. */
export class RunMaker {
  readonly #reader: RingReader
  readonly #lines: FrameLines
  /* How many writes in a row were slow. */
  #slow = 0
  #buffer = Buffer.alloc(0)

  constructor(reader: RingReader, lines: FrameLines) {
    this.#reader = reader
    this.#lines = lines
  }

  /** Begins with `first`, the first frame of the ring. With `together` others may follow, if the next one waits already. */
  make(first: Frame, together: boolean): FrameRun {
    if (!together || this.#slow < SLOW_WRITES || !mayFollow(first)) return runOf(first, this.#lines.of(first))
    const ends: number[] = []
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.alloc(0)
    let length = 0
    for (let next = this.#reader.look(this.#reader.tail); next !== undefined; next = this.#reader.look(next.end)) {
      if (!mayFollow(next.frame) || length >= RUN_BYTES) break
      length = this.#append(this.#lines.of(next.frame), length)
      ends.push(length)
    }
    return { ends, lines: this.#buffer.subarray(0, length), rows: undefined }
  }

  /** To be told how long the destination took for so many bytes. */
  took(ms: number, bytes: number): void {
    this.#slow = ms > SLOW_MS * Math.max(1, bytes / SLOW_BYTES) ? this.#slow + 1 : 0
  }

  #append(lines: Uint8Array, at: number): number {
    const end = at + lines.length
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * RUN_BYTES, 2 * end))
      larger.set(this.#buffer.subarray(0, at))
      this.#buffer = larger
    }
    this.#buffer.set(lines, at)
    return end
  }
}

/* What is to be on the disk goes alone, so that nothing is brought there, or counted as missed, that needs not be; so does what is not in the ring. */
function mayFollow({ kind, flags }: Frame): boolean {
  return (kind === FRAME.captured || kind === FRAME.lines) && (flags & SYNC) === 0
}
