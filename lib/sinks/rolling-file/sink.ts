import { closeSync, fdatasyncSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DELIVERED, type Pause, type SendResult, type Sink } from '../sink'
import { writeFully } from '../write-fully'
import { type Archive, archivesOf, expired, fileSize, nextIndex, remove, sorted } from './archives'
import { Compressor } from './compression/compressor'
import { eventTime } from './event-time'
import { endsLine, inFolder, lineEnd, NEW_LINE, openForAppending, statOf, syncFile } from './file-access'
import { type FilePattern, filePattern } from './file-pattern'
import type { RollingFileSinkSpec } from './options'
import { giveUpOwnership, ownerAt, takeOwnership } from './owner'
import { takeTurn } from './roll-turn'

type Options = Omit<RollingFileSinkSpec['options'], 'layout' | 'ordering'>

/** What a rolling file asks for the time. */
export interface RollClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since some moment, which never go back. */
  elapsed(): number
  /** When this process started, in milliseconds since the epoch of the file system's clock. */
  readonly processStart: number
  /** From 0 to below 1, by chance. */
  random(): number
}

interface OpenFile {
  readonly fd: number
  readonly path: string
  readonly dev: number
  readonly ino: number
  /** Which period the file belongs to, and in direct writing its index. */
  period: string
  readonly index: number
  bytes: number
}

/* A file that cannot be renamed is written on, and tried again after this time. */
const FIRST_DEFERRAL_MS = 1_000
const MAX_DEFERRAL_MS = 64_000
/* How often, and for how long, the end of a file is waited for that another process has its turn to finish; then it is written on for a while. */
const TURN_MS = 2
const MAX_WAITS = 100
const DEFERRED_TURN_MS = 50
/* More than that are not kept in mind for `sync`, which then says no once. */
const MAX_UNSYNCED = 256

const systemClock = (): RollClock => ({
  now: Date.now,
  elapsed: () => performance.now(),
  processStart: Date.now() - process.uptime() * 1000,
  random: Math.random,
})

/** Opens a rolling file on this thread, at the first write. */
export function openRollingFileSink(
  options: Options,
  clock: RollClock = systemClock(),
  compressor: Pick<Compressor, 'add'> = new Compressor(),
): Sink {
  return new RollingFile(options, clock, compressor)
}

/*
 * What happens between two lines:
 *
 *   with `path`      path ── full, or its period is over ──▶ rename to filePattern, at the lowest index above all that are there ──▶ open path anew
 *   direct writing   filePattern's file, plain ────────────▶ close ──▶ open the one with the next index, or of the present period
 *
 *   afterwards: compress (by another thread) what is finished, remove what is too old or too much
 *
 * All is read from the directory and from the file itself, not remembered, so that a restart, another thread of this process that takes over, a
 * clock that jumps and files of other people change nothing.
 */
class RollingFile implements Sink {
  readonly joinsBatches = true
  readonly #options: Options
  readonly #clock: RollClock
  readonly #pattern: FilePattern
  readonly #compressor: Pick<Compressor, 'add'>
  readonly #lock: string
  #owned = false
  #started = false
  #file: OpenFile | undefined
  /* In direct writing: the file that is not finished yet. */
  #unfinished: { readonly path: string; readonly period: string; readonly index: number } | undefined
  #last: { readonly period: string; readonly index: number } | undefined
  /* The last write ended inside a line, so what comes next belongs to the same file. */
  #torn = false
  /* Files that were finished since the last `sync`. */
  #unsynced: string[] = []
  #deferredUntil = Number.NEGATIVE_INFINITY
  #deferralMs = FIRST_DEFERRAL_MS
  #waits = 0

  constructor(options: Options, clock: RollClock, compressor: Pick<Compressor, 'add'>) {
    this.#options = options
    this.#clock = clock
    this.#compressor = compressor
    this.#pattern = filePattern(options.filePattern, options.timezone)
    const name = basename(options.filePattern).replaceAll(/[^\w.-]/g, '_')
    this.#lock = options.path === undefined ? join(this.#pattern.root, `.${name}.lock`) : `${options.path}.lock`
  }

  write(lines: Uint8Array, pause: Pause): SendResult {
    const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
    let written = 0
    try {
      this.#lookAgain()
      while (written < bytes.length) {
        this.#file ??= this.#open()
        const length = this.#lengthFor(this.#file, bytes, written)
        if (length === 0) {
          if (this.#options.multiProcess) this.#finishTogether(this.#file, pause)
          else this.#finish(this.#file)
          continue
        }
        const result = writeFully(this.#file.fd, bytes.subarray(written, written + length), length, pause)
        if (result.outcome !== 'delivered') {
          written += result.written
          if (result.written > 0) this.#torn = bytes[written - 1] !== NEW_LINE
          this.#close()
          return { ...result, written }
        }
        written += length
        this.#file.bytes += length
        this.#torn = false
      }
      return DELIVERED
    } catch (error) {
      return { outcome: 'retryable', written, reason: (error as Error).message }
    }
  }

  sync(): boolean {
    const finished = this.#unsynced
    this.#unsynced = []
    try {
      for (const path of finished) syncFile(path)
      if (this.#file !== undefined) fdatasyncSync(this.#file.fd)
      return this.#file !== undefined && finished.length < MAX_UNSYNCED
    } catch {
      return false
    }
  }

  close(): void {
    this.#close()
    if (this.#owned) giveUpOwnership(this.#lock)
    this.#owned = false
  }

  #close(): void {
    if (this.#file === undefined) return
    const { fd } = this.#file
    this.#file = undefined
    try {
      closeSync(fd)
    } catch {
      // The descriptor is released all the same; what could not be stored has been reported by the write that failed.
    }
  }

  /* Somebody may have moved the file away, or written to it. */
  #lookAgain(): void {
    if (this.#file === undefined) return
    const now = statOf(this.#file.path)
    if (now?.dev !== this.#file.dev || now.ino !== this.#file.ino) {
      this.#close()
      return
    }
    // Another process was the first to write to it.
    if (this.#file.bytes === 0 && now.size > 0) this.#file.period = this.#pattern.periodAt(now.mtimeMs)
    this.#file.bytes = now.size
  }

  /* How many bytes from `from` on, whole lines, belong to `file`; 0: it is finished. */
  #lengthFor(file: OpenFile, bytes: Buffer, from: number): number {
    if (this.#torn) return lineEnd(bytes, from) - from
    if (this.#clock.elapsed() < this.#deferredUntil) return bytes.length - from
    const period = this.#pattern.periodAt(this.#clock.now())
    if (period !== file.period && file.bytes === 0 && this.#options.path !== undefined) file.period = period
    const end = period === file.period ? bytes.length : this.#endOfPeriod(file.period, bytes, from)
    const room = (this.#options.maxFileBytes ?? Number.MAX_SAFE_INTEGER) - file.bytes
    if (end - from <= room) return end - from
    const lastBreak = room <= 0 ? -1 : bytes.lastIndexOf(NEW_LINE, from + room - 1)
    if (lastBreak >= from) return lastBreak + 1 - from
    return file.bytes === 0 ? lineEnd(bytes, from) - from : 0
  }

  /* The period is over; lines of events that happened in it may still come. */
  #endOfPeriod(period: string, bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at = lineEnd(bytes, at)) {
      const time = eventTime(bytes, at)
      if (time === undefined || this.#pattern.periodAt(time) !== period) return at
    }
    return bytes.length
  }

  #open(): OpenFile {
    this.#own()
    const file = this.#options.path === undefined ? this.#openDirect() : this.#openAt(this.#options.path)
    if (this.#started) return file
    this.#started = true
    this.#file = file
    this.#resume(file)
    return this.#file ?? this.#open()
  }

  #own(): void {
    if (this.#owned) return
    const other = this.#options.multiProcess ? ownerAt(this.#lock) : takeOwnership(this.#lock, this.#options.directoryMode)
    if (other !== undefined) {
      throw new Error(
        `${other} writes to ${this.#options.path ?? this.#options.filePattern}: give each process a file of its own, or all of them 'multiProcess'`,
      )
    }
    this.#owned = true
  }

  #openAt(path: string): OpenFile {
    const { fd, stat } = openForAppending(path, this.#options)
    const period = this.#pattern.periodAt(stat.size === 0 ? this.#clock.now() : stat.mtimeMs)
    return { fd, path, dev: stat.dev, ino: stat.ino, period, index: 0, bytes: stat.size }
  }

  #openDirect(): OpenFile {
    if (this.#unfinished === undefined || statOf(this.#unfinished.path) === undefined) this.#unfinished = this.#choose()
    const { path } = this.#unfinished
    const { fd, stat } = openForAppending(path, this.#options)
    return { ...this.#unfinished, fd, dev: stat.dev, ino: stat.ino, bytes: stat.size }
  }

  /*
   * At the start the file that was written last, else a new one. What shall be compressed may be being compressed at this moment, by another thread of this process,
   * unless its last line is not whole: such a file was not finished.
   */
  #choose(): { readonly path: string; readonly period: string; readonly index: number } {
    const period = this.#pattern.periodAt(this.#clock.now())
    const archives = archivesOf(this.#pattern)
    const next = this.#nextIndex(archives, period)
    const newest = archives.filter((file) => file.period === period && file.index === next - 1)
    const index = this.#last === undefined && newest.length === 1 && this.#goesOn(newest[0] as Archive) ? next - 1 : next
    return { path: this.#pattern.pathOf(period, index), period, index }
  }

  #goesOn({ form, path }: Archive): boolean {
    const bytes = fileSize(path)
    if (form !== 'plain' || bytes === undefined || bytes >= (this.#options.maxFileBytes ?? Number.MAX_SAFE_INTEGER)) return false
    return !this.#pattern.gzip || !endsLine(path, bytes)
  }

  #nextIndex(archives: readonly Archive[], period: string): number {
    const first = this.#last?.period === period ? this.#last.index + 1 : this.#pattern.hasIndex ? 1 : 0
    return nextIndex(archives, period, first)
  }

  /* At the start: what an earlier process has left, and the file itself if it shall not be gone on with. */
  #resume(file: OpenFile): void {
    this.#tidy(archivesOf(this.#pattern))
    const archives = archivesOf(this.#pattern).filter(({ path }) => path !== file.path)
    remove(
      archives.filter(({ form }) => form === 'unfinished').map(({ path }) => path),
      this.#pattern.root,
    )
    if (this.#pattern.gzip) {
      const plain = archives.filter(({ form, path }) => form === 'plain' && fileSize(path) !== undefined)
      this.#compressor.add(plain.map(({ path }) => path))
    }
    const born = statOf(file.path)?.birthtimeMs ?? 0
    if (this.#options.rollOnStart && file.bytes > 0 && born < this.#clock.processStart) this.#finish(file)
  }

  #finishTogether(file: OpenFile, pause: Pause): void {
    const end = takeTurn(file.path, file.ino)
    if (end === undefined) {
      // Who has the turn needs a moment; one that is stopped in it must not stop the others.
      if (++this.#waits <= MAX_WAITS && pause(TURN_MS)) this.#lookAgain()
      else this.#deferredUntil = this.#clock.elapsed() + DEFERRED_TURN_MS
      return
    }
    this.#waits = 0
    try {
      const now = statOf(file.path)
      if (now?.dev === file.dev && now.ino === file.ino) this.#finish(file)
      else this.#leave(file)
    } finally {
      end()
    }
  }

  /* Another process has finished it; what this batch has in it already is to be as safe as the rest. */
  #leave({ dev, ino }: OpenFile): void {
    this.#close()
    const isIt = ({ path }: Archive): boolean => {
      const stat = statOf(path)
      return stat?.dev === dev && stat.ino === ino
    }
    const path = archivesOf(this.#pattern).find(isIt)?.path
    if (path !== undefined && this.#unsynced.length < MAX_UNSYNCED) this.#unsynced.push(path)
  }

  #finish(file: OpenFile): void {
    const archives = archivesOf(this.#pattern)
    let { path, index } = file
    if (this.#options.path === undefined) {
      this.#unfinished = undefined
      this.#close()
    } else {
      index = this.#nextIndex(archives, file.period)
      path = this.#pattern.pathOf(file.period, index)
      this.#rename(file.path, path)
      this.#close()
    }
    this.#last = { period: file.period, index }
    if (this.#unsynced.length < MAX_UNSYNCED) this.#unsynced.push(path)
    this.#tidy(this.#options.path === undefined ? archives : sorted([...archives, this.#named(path, file.period, index)]))
    if (this.#pattern.gzip) this.#compressor.add([path], this.#waitMs(file.period))
  }

  /* Only the ends of periods come at the same time everywhere. */
  #waitMs(period: string): number {
    if (period === this.#pattern.periodAt(this.#clock.now())) return 0
    return Math.floor(this.#clock.random() * this.#options.jitterMs)
  }

  /* If that fails it is told once, and lines go on into the same file for a while: rather that than nowhere. */
  #rename(from: string, to: string): void {
    try {
      inFolder(to, this.#options.directoryMode, () => renameSync(from, to))
      this.#deferralMs = FIRST_DEFERRAL_MS
    } catch (error) {
      this.#deferredUntil = this.#clock.elapsed() + this.#deferralMs
      this.#deferralMs = Math.min(this.#deferralMs * 4, MAX_DEFERRAL_MS)
      throw new Error(`${from} cannot be finished, and is written on: ${(error as Error).message}`)
    }
  }

  #named(path: string, period: string, index: number): Archive {
    return { path, period, index, ordinal: this.#pattern.ordinalOf(period), form: 'plain' }
  }

  #tidy(archives: readonly Archive[]): void {
    const { maxHistory, totalSizeCapBytes } = this.#options
    if (maxHistory === undefined && totalSizeCapBytes === undefined) return
    const { hasDate, root } = this.#pattern
    const now = hasDate ? this.#pattern.ordinalOf(this.#pattern.periodAt(this.#clock.now())) : undefined
    const finished = archives.filter(({ path }) => path !== this.#file?.path)
    const old = expired(finished, { maxHistory, totalSizeCapBytes }, now).map(({ path }) => path)
    remove(old, root)
  }
}
