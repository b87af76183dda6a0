import { complain } from '../diagnostics'
import { claimSpool, crc32c, openSpoolWriter, SpoolLedger, type SpoolWriter } from '../spool'
import { FRAME, type FrameContent, type QueueMemory, SPILL, WORD } from './ring'
import type { SpillPlace } from './spill-place'
import type { SpoolOptions } from './spool-options'
import { FrameLines } from './worker/frame-lines'

/** What the spool of a queue has, in events. */
export interface SpillCounts {
  readonly spooled: number
  readonly recovered: number
  readonly damaged: number
}

/** Three times in a lease, as `claimSpool` asks. */
const LEASE_MS = 60_000
const CLOSING_MS = 1_000
const NO_ROWS = new Int32Array(0)
const NO_COLUMNS = new Float64Array(0)

/** The frame that stands for what lies in the spool. */
export const SPILLED: FrameContent = Object.freeze({
  ...{ kind: FRAME.spilled, flags: 0, events: 0, firstSeq: 0, severity: 0, payload: 0 },
  ...{ rows: NO_ROWS, rowWords: 0, columns: NO_COLUMNS, dictionary: '', text: '' },
})

/**
 * The writing end of the spool behind a queue, for the thread that logs: batches for which the ring has no room.
 *
 *   thread that logs                                      owner of the lock
 *   no room: a frame `spilled`, SPILL closed -> open
 *   each batch: open -> appending, append, -> open        all frames before are resolved: record after record to the sink, each committed
 *                                                         nothing more: open -> closing, look again; found one: -> open
 *   closed? the ring again  ◀───────────────────────────  nothing: the frame is resolved, -> closed
 *
 * So the order of events is kept, and the ring's bound holds whatever the destination does. What a process could not deliver is found by the next one of
 * the same destination. Whoever made it closes it.
 */
export class Spill {
  readonly place: SpillPlace
  readonly #words: Int32Array
  readonly #writer: SpoolWriter
  readonly #ledger: SpoolLedger
  readonly #release: () => void
  readonly #lease: NodeJS.Timeout
  #lines: FrameLines | undefined
  /* Another process has taken the spool over, because it took this one for dead. */
  #isTaken = false
  #hasKept = false

  private constructor(
    memory: QueueMemory,
    directory: string,
    options: SpoolOptions,
    lease: { renew(): boolean; release(): void },
  ) {
    this.#words = memory.words
    this.#ledger = new SpoolLedger()
    this.place = { directory, ledger: this.#ledger.buffer }
    const { maxBytes, whenFull } = options
    this.#writer = openSpoolWriter({
      directory,
      ledger: this.#ledger.buffer,
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(whenFull === undefined ? {} : { whenFull }),
      onNotice: ({ message }) => complain('spool', message),
    })
    this.#release = () => lease.release()
    this.#lease = setInterval(() => this.#renew(lease), LEASE_MS / 4).unref()
  }

  /** Claims a spool for the queue of `memory` on its way to `destination`; undefined, and it says so, if there is none to be had. */
  static open(memory: QueueMemory, destination: string, options: SpoolOptions): Spill | undefined {
    // A process that comes after this one finds it by the destination.
    const name = `tracelane-${crc32c(Buffer.from(destination)).toString(16).padStart(8, '0')}`
    const claim = claimSpool({ base: options.directory, name, leaseMs: LEASE_MS })
    if (claim.claimed) return new Spill(memory, claim.directory, options, claim)
    complain('spool', `events are not spooled: ${claim.message}`)
    return undefined
  }

  /** Whether events go past the ring now. */
  get isOpen(): boolean {
    return Atomics.load(this.#words, WORD.spill) !== SPILL.closed
  }

  /** Whether something lies here for the next process, and nobody reads it: this one has lived on, so it shall begin again. */
  get hasKept(): boolean {
    return this.#hasKept
  }

  /** Events that lie in the spool, and those that an earlier process left there. */
  counts(): SpillCounts {
    const { pending, recovered, dropped, torn, corrupt } = this.#ledger.counts()
    return { spooled: pending.events, recovered: recovered.events, damaged: dropped.events + torn.events + corrupt.events }
  }

  /** From now on events go here, if `mark` can write the frame `spilled` to the ring; whether it could. */
  begin(mark: () => boolean): boolean {
    // Before the frame is there: who reads it finds the spill open.
    Atomics.store(this.#words, WORD.spill, SPILL.open)
    this.#hasKept = false
    if (mark()) return true
    Atomics.store(this.#words, WORD.spill, SPILL.closed)
    return false
  }

  /** Appends a batch. `closed`: the reading end is done, so the ring takes it. `refused`: it is lost, and it was said why. */
  append(content: FrameContent): 'spooled' | 'closed' | 'refused' {
    if (!this.#reserve()) return 'closed'
    const outcome = this.#put(content)
    Atomics.store(this.#words, WORD.spill, SPILL.open)
    return outcome
  }

  /** What lies here is for the next process from now on. Only when nobody reads any more. */
  end(): void {
    this.#hasKept = this.#ledger.counts().pending.events > 0
    Atomics.store(this.#words, WORD.spill, SPILL.closed)
  }

  /** Keeps a batch for the next process. Only when nobody reads any more. */
  keep(lines: Uint8Array, events: number, firstSeq: number): boolean {
    if (this.#isTaken) return false
    return this.#writer.append(lines, { events, firstSeq, lastSeq: firstSeq + events - 1 }).outcome === 'spooled'
  }

  close(): void {
    clearInterval(this.#lease)
    this.#writer.close()
    this.#release()
  }

  #renew(lease: { renew(): boolean }): void {
    if (this.#isTaken || lease.renew()) return
    this.#isTaken = true
    complain('spool', `another process has taken over the spool ${this.place.directory}; events are not spooled any more`)
  }

  /* The reading end looks a last time for no longer than a system call takes; one that is at it for longer has died. */
  #reserve(): boolean {
    const deadline = Date.now() + CLOSING_MS
    for (;;) {
      const was = Atomics.compareExchange(this.#words, WORD.spill, SPILL.open, SPILL.appending)
      if (was === SPILL.open) return true
      if (was === SPILL.closed) return false
      if (Date.now() > deadline) Atomics.compareExchange(this.#words, WORD.spill, SPILL.closing, SPILL.open)
      else Atomics.wait(this.#words, WORD.spill, was, 1)
    }
  }

  #put(content: FrameContent): 'spooled' | 'refused' {
    if (this.#isTaken) return 'refused'
    this.#lines ??= new FrameLines(() => undefined)
    const lines = this.#lines.ofContent(content)
    const { events, firstSeq } = content
    const result = this.#writer.append(lines, { events, firstSeq, lastSeq: firstSeq + events - 1 })
    if (result.outcome === 'spooled') return 'spooled'
    complain('spool', `the spool refused ${events} events: ${result.message}`)
    return 'refused'
  }
}
