import { complain } from '../diagnostics'
import type { Level } from '../event'
import { isFileSink, type SinkSpec } from '../sinks'
import type { Flusher } from './flusher'
import type { ResolvedAppenderOptions } from './options'
import type { Patience } from './patience'
import { ACCOUNT, type QueueMemory, type RingWriter, SYNC } from './ring'

/** What the events of some levels are promised before their log call returns, and how often that was missed. */
export class Durability {
  readonly #levels: ResolvedAppenderOptions['durability']
  readonly #memory: QueueMemory
  readonly #ring: RingWriter
  #missed = 0

  private constructor(levels: ResolvedAppenderOptions['durability'], memory: QueueMemory, ring: RingWriter) {
    this.#levels = levels
    this.#memory = memory
    this.#ring = ring
  }

  /** Undefined if no level has one, or the destination is none that could keep it. */
  static of(spec: SinkSpec, options: ResolvedAppenderOptions, memory: QueueMemory, ring: RingWriter): Durability | undefined {
    const { durability } = options
    const isThere = isFileSink(spec) && Object.keys(durability).length > 0
    return isThere ? new Durability(durability, memory, ring) : undefined
  }

  /** How many events were not as safe as they should be when their log call returned. */
  get missed(): number {
    return this.#missed
  }

  asks(level: Level): boolean {
    return this.#levels[level] !== undefined
  }

  /** The flags of an event in its frame. */
  flagsOf(level: Level): number {
    return this.#levels[level] === 'disk' ? SYNC : 0
  }

  /** Has what was just appended resolved, or counts the miss; an event that is not `isIn` is one. `post` hands it over. */
  secure(level: Level, isIn: boolean, patience: Patience, post: () => Flusher): void {
    const unsafe = (): number => this.#memory.counted(ACCOUNT.unsynced) + this.#memory.counted(ACCOUNT.rejected)
    const before = unsafe()
    if (isIn && this.#isResolved(patience, post()) && unsafe() === before) return
    this.#missed++
    complain('durability', `an event of level ${level} was not as safe as its durability asks when its log call returned`)
  }

  #isResolved(patience: Patience, flusher: Flusher): boolean {
    const target = this.#ring.head
    return patience.wait('safety', flusher, () => {
      this.#ring.look()
      return ((this.#ring.tail - target) | 0) >= 0
    })
  }
}
