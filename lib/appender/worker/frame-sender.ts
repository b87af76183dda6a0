import type { AsyncSink, BatchEvent } from '../../sinks'
import { ACCOUNT, countOutcomes, FRAME, type Frame, type Outcomes, OWNER, QueueMemory, RingReader, WORD } from '../ring'
import type { SpillPlace } from '../spill-place'
import { Delivery } from './delivery'
import { rowsOfFrame, rowsOfLines } from './event-rows'
import { FrameLines, type PayloadSource } from './frame-lines'
import { OutgoingBatch } from './outgoing-batch'
import type { FromFlushThread } from './protocol'
import { SpilledLines } from './spilled-lines'

const SPOOL_PAUSE_MS = 20

/**
 * Sends the frames of a ring to a sink that answers later, one after the other, on a thread with an event loop. Nobody else resolves frames of
 * this ring: there is no lock, and no taking over, because nobody could wait for the answer.
 */
export class FrameSender {
  readonly #memory: QueueMemory
  readonly #reader: RingReader
  readonly #lines: FrameLines
  readonly #sink: AsyncSink
  readonly #instance: string
  readonly #tell: (message: FromFlushThread) => void
  readonly #spilled: SpilledLines | undefined
  #wake: (() => void) | undefined
  #stopped = false

  constructor(
    shared: SharedArrayBuffer,
    payloads: PayloadSource,
    sink: AsyncSink,
    instance: string,
    tell: (message: FromFlushThread) => void,
    spill?: SpillPlace,
  ) {
    this.#memory = new QueueMemory(shared)
    this.#reader = new RingReader(this.#memory)
    this.#lines = new FrameLines(payloads)
    this.#sink = sink
    this.#instance = instance
    this.#tell = tell
    if (spill !== undefined) this.#spilled = new SpilledLines(this.#memory, spill, (notice) => tell({ notice }))
  }

  /** Sends what comes until it is stopped. */
  async run(): Promise<void> {
    const { words } = this.#memory
    while (!this.#stopped) {
      const heard = Atomics.load(words, WORD.bell)
      const frame = this.#reader.frame()
      if (frame === undefined) {
        this.#tellIfReached()
        await this.#rest(heard)
      } else {
        await (frame.kind === FRAME.spilled && this.#spilled !== undefined
          ? this.#sendSpilled(frame, this.#spilled)
          : this.#sendFrame(frame))
        this.#tellIfReached()
      }
    }
    await this.#sink.close()
  }

  /** Something is new, or nothing may wait any longer. */
  ring(): void {
    this.#wake?.()
  }

  /** Ends `run` as soon as what is on its way is settled. */
  stop(): void {
    this.#stopped = true
    this.#wake?.()
  }

  async #sendFrame(frame: Frame): Promise<void> {
    const lines = this.#lines.of(frame)
    if (lines.length === 0) {
      // A line that was too large for the ring, and whose text never came.
      this.#tell({ failure: 'a line that is larger than the queue got lost', retried: false })
      this.#reader.resolve(frame, 'rejected', 0)
      return
    }
    const { events, firstSeq } = frame
    const id = `${this.#instance}-${firstSeq}-${events}`
    const outcomes = await this.#send(new OutgoingBatch(lines, events, id, this.#instance, () => rowsOfFrame(frame, lines)))
    if (outcomes !== undefined) this.#reader.settle(frame, outcomes)
  }

  async #sendSpilled(frame: Frame, spilled: SpilledLines): Promise<void> {
    const record = spilled.next()
    if (record === 'done') {
      this.#reader.resolve(frame, 'delivered', 0)
      spilled.end()
    } else if ('failed' in record) {
      if (record.failed !== '') this.#tell({ failure: record.failed, retried: true })
      await this.#pause(SPOOL_PAUSE_MS)
    } else {
      // Of another process, maybe, so the place in the spool is its name.
      const { segment, offset } = record.position
      const { payload, meta } = record
      const id = `${this.#instance}-spool-${segment}-${offset}`
      const rows = (): readonly BatchEvent[] => rowsOfLines(payload, meta.events, meta.firstSeq)
      const outcomes = await this.#send(new OutgoingBatch(payload, meta.events, id, this.#instance, rows))
      if (outcomes === undefined) return
      countOutcomes(this.#memory, outcomes)
      spilled.settle(record)
    }
  }

  /* At the end of the process the thread that logs takes what is left into the spool, and the lock for that. */
  #isOurs(tail: number): boolean {
    return Atomics.load(this.#memory.words, WORD.owner) === OWNER.free && this.#reader.tail === tail
  }

  /* Until each event is delivered or refused; undefined if there was an order to stop, or somebody else has taken the frame. */
  async #send(batch: OutgoingBatch): Promise<Outcomes | undefined> {
    const { tail } = this.#reader
    const isOver = (): boolean => this.#stopped || !this.#isOurs(tail)
    const delivery = new Delivery(
      {
        sink: this.#sink,
        isOver,
        onSend: () => Atomics.add(this.#memory.words, WORD.beat, 1),
        onTrouble: (failure, retried) => {
          if (retried) this.#memory.count(ACCOUNT.retried, 1)
          this.#tell({ failure, retried })
        },
        pause: (ms) => this.#pause(ms),
      },
      batch,
    )
    const outcomes = await delivery.settle()
    return this.#isOurs(tail) ? outcomes : undefined
  }

  #tellIfReached(): void {
    const { words } = this.#memory
    if (Atomics.load(words, WORD.wanted) === 0) return
    if (((this.#reader.tail - Atomics.load(words, WORD.target)) | 0) < 0) return
    Atomics.store(words, WORD.wanted, 0)
    this.#tell({ reached: true })
  }

  /* Until the bell rings, if it has not since `heard`. */
  async #rest(heard: number): Promise<void> {
    const { words } = this.#memory
    const woken = this.#woken()
    Atomics.store(words, WORD.waiting, 1)
    if (Atomics.load(words, WORD.bell) === heard && Atomics.load(words, WORD.wanted) === 0) await woken
    Atomics.store(words, WORD.waiting, 0)
  }

  /* Whoever rings while a send is tried again is in a hurry: new frames alone ring only while nothing is on its way. */
  async #pause(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake?.(), ms)
    timer.unref()
    await this.#woken()
    clearTimeout(timer)
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      if (this.#stopped) resolve()
    })
  }
}
