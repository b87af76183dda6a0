import { runOutside } from '../../context'
import { crypto } from '../../internal/builtin'
import type { SinkSpec } from '../../sinks'
import type { Flusher, OwnFlusher } from '../flusher'
import type { OutsideLines } from '../outside-lines'
import { QueueMemory, SERVER, WORD } from '../ring'
import { drainRing, type WritableRing, writeSome } from '../take-over'
import { nameOfSink, RingChannel, type ToGuests, type ToHosts } from './channel'

/* How long an isolate waits for a flush thread of the main thread before it starts one below itself. */
const PATIENCE_MS = 100
const LOOK_AGAIN_MS = 5
/* How often a flush thread that sleeps before its next try is woken while somebody waits for it. */
const HURRY_MS = 50

/**
 * Has the ring of an isolate that is not the main thread served by a flush thread of the main thread, which outlives it. Until one
 * answers, and while there is none, it uses a flusher of its own. See channel.ts.
 */
export class GuestFlusher implements Flusher {
  readonly #spec: SinkSpec
  readonly #memory: QueueMemory
  readonly #outside: OutsideLines
  readonly #startOwn: () => OwnFlusher
  readonly #ring = crypto().randomUUID()
  readonly #channel: RingChannel<ToGuests, ToHosts>
  readonly #patience: NodeJS.Timeout
  /* The memory with the bell of the flush thread that has accepted the ring. */
  #host: QueueMemory | undefined
  #own: OwnFlusher | undefined
  #isRetiring = false
  #announcedAt = 0
  #isClosed = false

  constructor(spec: SinkSpec, memory: QueueMemory, outside: OutsideLines, startOwn: () => OwnFlusher) {
    this.#spec = spec
    this.#memory = memory
    this.#outside = outside
    this.#startOwn = startOwn
    this.#channel = new RingChannel('guests', (message) => this.#hear(message))
    this.#patience = runOutside(() => setTimeout(() => this.#look(), PATIENCE_MS).unref())
    this.#announce()
  }

  get isThread(): boolean {
    return this.#own?.isThread ?? true
  }

  posted(): void {
    this.#look()
    this.#own?.posted()
    this.#host?.ring()
  }

  outside(payload: number, text: string): void {
    this.#look()
    this.#own?.outside(payload, text)
    this.#channel.post({ kind: 'line', ring: this.#ring, line: { payload, text, after: this.#head } })
  }

  waitForProgress(ms: number, help: boolean): boolean | undefined {
    this.#look()
    if (this.#own !== undefined) return this.#own.waitForProgress(ms, help)
    const tail = this.#tail
    this.#host?.ring(true)
    // Without the lock as long as the host is at work: a thread may be terminated at any time, and then nobody gives it back.
    Atomics.wait(this.#memory.words, WORD.tail, tail, this.#host === undefined ? Math.min(ms, PATIENCE_MS) : ms)
    if (help && this.#tail === tail) writeSome(this.#served, this.#spec, Date.now() + ms, 1)
    return this.#tail !== tail
  }

  settled(deadlineMs: number): Promise<void> {
    const target = this.#head
    if (this.#tail === target) return Promise.resolve()
    // The host answers no questions, since its event loop may be busy: TAIL says it all.
    return new Promise((resolve) => {
      const deadline = performance.now() + deadlineMs
      let hurriedAt = 0
      const timer = setInterval(() => {
        this.#look()
        const now = performance.now()
        if (((this.#tail - target) | 0) >= 0 || now >= deadline) {
          clearInterval(timer)
          resolve()
        } else if (now - hurriedAt >= HURRY_MS) {
          hurriedAt = now
          this.#hurry()
        }
      }, LOOK_AGAIN_MS)
      this.#look()
      this.#hurry()
    })
  }

  drain(deadlineMs: number): void {
    this.#meet()
    if (this.#own !== undefined) this.#own.drain(deadlineMs)
    else drainRing(this.#served, this.#spec, this.#host ?? this.#memory, this.#host !== undefined, Date.now() + deadlineMs)
  }

  async close(graceMs: number): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#patience)
    Atomics.store(this.#memory.words, WORD.server, SERVER.gone)
    this.#channel.close()
    await this.#own?.close(graceMs)
  }

  get #tail(): number {
    return Atomics.load(this.#memory.words, WORD.tail)
  }

  get #head(): number {
    return Atomics.load(this.#memory.words, WORD.head)
  }

  get #served(): WritableRing {
    return { memory: this.#memory, payloads: (payload: number) => this.#outside.text(payload) }
  }

  #announce(): void {
    const after = this.#head
    const lines = this.#outside.entries().map(([payload, text]) => ({ payload, text, after }))
    this.#announcedAt = performance.now()
    this.#patience.refresh()
    const { shared } = this.#memory
    this.#channel.post({ kind: 'announced', ring: this.#ring, sink: nameOfSink(this.#spec), memory: shared, lines })
  }

  /* Sees who serves the ring now. */
  #meet(): void {
    if (this.#isClosed) return
    if (this.#host === undefined) this.#channel.catchUp()
    else if (Atomics.load(this.#memory.words, WORD.server) !== SERVER.host) this.#leaveHost()
  }

  /* ... and helps itself if nobody does. */
  #look(): void {
    this.#meet()
    if (this.#isClosed) return
    if (this.#host !== undefined || this.#own !== undefined || this.#isRetiring) return
    if (this.#tail === this.#head || performance.now() - this.#announcedAt < PATIENCE_MS) return
    this.#own = this.#startOwn()
    this.#own.posted()
  }

  #leaveHost(): void {
    this.#host = undefined
    this.#announce()
  }

  #hear(message: ToGuests): void {
    if (this.#isClosed) return
    if (message.kind === 'opened' && message.sink === nameOfSink(this.#spec) && this.#host === undefined) this.#announce()
    if (message.kind === 'opened' || message.ring !== this.#ring) return
    if (message.kind === 'dismissed') this.#leaveHost()
    if (message.kind !== 'accepted') return
    this.#host = new QueueMemory(message.bell)
    this.#host.ring()
    const own = this.#own
    if (own === undefined) return
    this.#own = undefined
    this.#isRetiring = true
    void own.retire().then(() => {
      this.#isRetiring = false
      this.#look()
    })
  }

  #hurry(): void {
    const bell = this.#host ?? this.#memory
    Atomics.notify(bell.words, WORD.stop)
    bell.ring(true)
  }
}
