import { runOutside } from '../../context'
import type { SinkSpec } from '../../sinks'
import { OWNER, type QueueMemory, WORD } from '../ring'
import { drainRing } from '../take-over'
import type { OutsideLine, ToInbox } from '../worker/protocol'
import { type GuestLine, nameOfSink, RingChannel, type ToGuests, type ToHosts } from './channel'
import { HostedRing } from './hosted-ring'

const SWEEP_MS = 2_500
/* How often a flush thread that is to end is looked at, whether it has written what other isolates have left in their rings. */
const FAREWELL_STEP_MS = 10

/** Takes in the rings of other isolates with the same sink, for one flush thread of the main thread. Keeps nothing alive. */
export class RingHost {
  readonly #spec: SinkSpec
  readonly #sink: string
  readonly #bell: QueueMemory
  readonly #send: (message: ToInbox) => void
  readonly #channel: RingChannel<ToHosts, ToGuests>
  readonly #rings = new Map<string, HostedRing>()
  readonly #sweepMs: number
  #sweeper: NodeJS.Timeout | undefined

  /**
   * `bell` is the memory whose bell the flush thread hears; `send` sends to it while it lives. A ring that was empty for one to two `sweepMs` is let go.
   */
  constructor(spec: SinkSpec, bell: QueueMemory, send: (message: ToInbox) => void, sweepMs = SWEEP_MS) {
    this.#spec = spec
    this.#sink = nameOfSink(spec)
    this.#bell = bell
    this.#send = send
    this.#sweepMs = sweepMs
    this.#channel = new RingChannel('hosts', (message) => this.#hear(message))
    this.#channel.post({ kind: 'opened', sink: this.#sink })
  }

  /** How many rings are taken in now. */
  get size(): number {
    return this.#rings.size
  }

  /** All that a flush thread that has just started must be told. */
  introduction(): ToInbox[] {
    return [...this.#rings].flatMap(([ring, hosted]) => [
      { serve: ring, memory: hosted.memory.shared },
      ...hosted.lines().map(({ payload, text }): OutsideLine => ({ ring, payload, text })),
    ])
  }

  /** Frees the locks that a flush thread held when it died. */
  freeLocks(): void {
    for (const { memory } of this.#rings.values()) Atomics.compareExchange(memory.words, WORD.owner, OWNER.host, OWNER.free)
  }

  /** Writes what the isolates have in their rings now, blocking this thread until `deadline` (ms since the epoch) at most. */
  drain(deadline: number): void {
    this.#channel.catchUp()
    for (const hosted of this.#rings.values()) {
      const ring = { memory: hosted.memory, payloads: (payload: number) => hosted.text(payload) }
      drainRing(ring, this.#spec, this.#bell, true, deadline)
    }
  }

  /** Hands the rings back to their isolates; before that, gives the flush thread `graceMs` for what lies in them. */
  async close(graceMs: number): Promise<void> {
    this.#channel.catchUp()
    const isDone = (): boolean => [...this.#rings.values()].every(({ isEmpty }) => isEmpty)
    for (let waited = 0; waited < graceMs && !isDone(); waited += FAREWELL_STEP_MS) {
      await new Promise((resolve) => setTimeout(resolve, FAREWELL_STEP_MS))
    }
    clearInterval(this.#sweeper)
    for (const [ring, hosted] of this.#rings) {
      hosted.giveUp()
      this.#channel.post({ kind: 'dismissed', ring })
    }
    this.#rings.clear()
    this.#channel.close()
  }

  #hear(message: ToHosts): void {
    if (message.kind === 'line') this.#keep(message.ring, message.line)
    else if (message.sink === this.#sink) this.#take(message)
  }

  #take({ ring, memory, lines }: Extract<ToHosts, { kind: 'announced' }>): void {
    if (!this.#rings.has(ring)) {
      const hosted = new HostedRing(memory)
      if (!hosted.take()) return
      this.#rings.set(ring, hosted)
      this.#send({ serve: ring, memory })
      this.#sweeper ??= runOutside(() => setInterval(() => this.#sweep(), this.#sweepMs).unref())
    }
    for (const line of lines) this.#keep(ring, line)
    this.#bell.ring()
    this.#channel.post({ kind: 'accepted', ring, bell: this.#bell.shared })
  }

  #keep(ring: string, line: GuestLine): void {
    const hosted = this.#rings.get(ring)
    if (hosted === undefined) return
    hosted.keep(line)
    this.#send({ ring, payload: line.payload, text: line.text })
    this.#bell.ring()
  }

  #sweep(): void {
    for (const [ring, hosted] of this.#rings) {
      if (!hosted.giveUpIfQuiet()) continue
      this.#rings.delete(ring)
      this.#send({ leave: ring })
      this.#bell.ring()
    }
    if (this.#rings.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }
}
