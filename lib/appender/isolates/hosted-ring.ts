import { QueueMemory, SERVER, WORD } from '../ring'
import type { GuestLine } from './channel'

/** The ring of another isolate, as the main thread keeps it while one of its flush threads serves it. */
export class HostedRing {
  readonly memory: QueueMemory
  readonly #lines = new Map<number, GuestLine>()
  #headBefore: number | undefined

  constructor(shared: SharedArrayBuffer) {
    this.memory = QueueMemory.borrowed(shared)
  }

  get isEmpty(): boolean {
    const { words } = this.memory
    return Atomics.load(words, WORD.tail) === Atomics.load(words, WORD.head)
  }

  /** Keeps a line that is too large for the ring, until its frame is resolved. */
  keep(line: GuestLine): void {
    this.#headBefore = undefined
    this.#lines.set(line.payload, line)
    const tail = Atomics.load(this.memory.words, WORD.tail)
    let earlier: number | undefined
    for (const { payload, after } of this.#lines.values()) {
      if (earlier !== undefined && ((tail - after) | 0) >= 0) this.#lines.delete(earlier)
      earlier = payload
    }
  }

  /** The text of a line that is kept. */
  text(payload: number): string | undefined {
    return this.#lines.get(payload)?.text
  }

  /** What is kept, in order. */
  lines(): GuestLine[] {
    return [...this.#lines.values()]
  }

  /** Takes the ring for a host; false if somebody has it. */
  take(): boolean {
    return Atomics.compareExchange(this.memory.words, WORD.server, SERVER.none, SERVER.host) === SERVER.none
  }

  /**
   * Gives the ring up if nothing has happened since the last call: a thread that was terminated says no goodbye. If it does live, it
   * sees SERVER when it writes, or we see here that it has written.
   */
  giveUpIfQuiet(): boolean {
    const { words } = this.memory
    const head = Atomics.load(words, WORD.head)
    const wasQuiet = this.#headBefore === head
    this.#headBefore = head
    if (!this.isEmpty) return false
    if (Atomics.load(words, WORD.server) === SERVER.gone) return true
    if (!wasQuiet) return false
    Atomics.store(words, WORD.server, SERVER.none)
    return this.isEmpty || !this.take()
  }

  /** Gives the ring up, whatever lies in it. */
  giveUp(): void {
    Atomics.compareExchange(this.memory.words, WORD.server, SERVER.host, SERVER.none)
  }
}
