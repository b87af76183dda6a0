import { comparePositions, openSpoolReader, type SpoolReader, type SpoolReadFailure, type SpoolRecord } from '../../spool'
import { type QueueMemory, SPILL, WORD } from '../ring'
import type { SpillPlace } from '../spill-place'

/**
 * The reading end of a spill, for the owner of the lock: the records behind the frame `spilled`, in order. See spill.ts.
 *
 * A thread that takes over opens its own: the ledger, which both know, says what is settled.
 */
export class SpilledLines {
  readonly #memory: QueueMemory
  readonly #reader: SpoolReader
  #current: SpoolRecord | undefined

  /** `onNotice` hears what the spool came upon: damage, drops, a disk in trouble. */
  constructor(memory: QueueMemory, { directory, ledger }: SpillPlace, onNotice: (message: string) => void) {
    this.#memory = memory
    this.#reader = openSpoolReader({ directory, ledger, onNotice: ({ message }) => onNotice(message) })
  }

  /** The record whose turn it is; `done`: there is none, and none will come; `failed`: the disk is in trouble, try again later. */
  next(): SpoolRecord | 'done' | { readonly failed: string } {
    const floor = this.#reader.ledger.floor
    if (this.#current !== undefined) {
      if (floor === undefined || comparePositions(floor, this.#current.position) <= 0) return this.#current
      // Somebody else has settled it meanwhile.
      this.#current = undefined
      this.#reader.rewind()
    }
    const { words } = this.#memory
    const first = this.#reader.next()
    const found = first.kind === 'end' ? this.#lookAgain(words) : first
    if (typeof found === 'string') return found
    if (found.kind === 'failed') return { failed: found.reason }
    this.#current = found
    return found
  }

  /* At the end of the spool: `done` if nobody can have appended anything since. */
  #lookAgain(words: Int32Array): SpoolRecord | SpoolReadFailure | 'done' {
    const was = Atomics.compareExchange(words, WORD.spill, SPILL.open, SPILL.closing)
    // Whoever is appending right now is done in a moment.
    if (was === SPILL.appending) return { kind: 'failed', code: '', reason: '' }
    const found = this.#reader.next()
    if (found.kind === 'end') return 'done'
    Atomics.store(words, WORD.spill, SPILL.open)
    return found
  }

  /** The record whose turn it is was delivered or refused. */
  settle({ next }: SpoolRecord): void {
    this.#current = undefined
    Atomics.store(this.#memory.words, WORD.written, 0)
    this.#reader.commit(next)
  }

  /** The frame `spilled` is resolved: the ring takes events again. */
  end(): void {
    Atomics.store(this.#memory.words, WORD.spill, SPILL.closed)
    Atomics.notify(this.#memory.words, WORD.spill)
  }

  close(): void {
    this.#reader.close()
  }
}
