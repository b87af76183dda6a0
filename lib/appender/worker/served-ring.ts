import type { Pause, Sink } from '../../sinks'
import { FRAME, type Frame, OWNER, QueueMemory, RingReader, WORD } from '../ring'
import type { SpillPlace } from '../spill-place'
import type { Delivery } from './deliver'
import { FrameLines } from './frame-lines'
import { RunMaker } from './frame-run'
import type { FromFlushThread } from './protocol'
import { SpilledLines } from './spilled-lines'
import { writeRun, writeSpilled } from './write-frame'

/*
 * A ring of another isolate in which nothing moves for so long belongs to a thread that ended in the middle of something: one that lives
 * waits two seconds at most before its next try.
 */
const LIFELESS_MS = 5_000

/** One ring as its flush thread sees it. */
export class ServedRing {
  readonly memory: QueueMemory
  readonly #owner: typeof OWNER.flush | typeof OWNER.host
  readonly #reader: RingReader
  readonly #listen: () => void
  readonly #tell: (message: FromFlushThread) => void
  readonly #outside = new Map<number, string>()
  readonly #runs: RunMaker
  readonly #spilled: SpilledLines | undefined
  #stillAt: readonly number[] = []
  #stillSince = 0

  /** `owner` is what the lock says while this thread has it. `listen` has messages that have arrived handed out. `spill` is behind the ring. */
  constructor(
    shared: SharedArrayBuffer,
    owner: typeof OWNER.flush | typeof OWNER.host,
    listen: () => void,
    tell: (message: FromFlushThread) => void,
    spill?: SpillPlace,
  ) {
    this.memory = owner === OWNER.host ? QueueMemory.borrowed(shared) : new QueueMemory(shared)
    this.#owner = owner
    this.#reader = new RingReader(this.memory)
    this.#runs = new RunMaker(this.#reader, new FrameLines((payload) => this.#outside.get(payload)))
    this.#listen = listen
    this.#tell = tell
    if (spill !== undefined) this.#spilled = new SpilledLines(this.memory, spill, (notice) => tell({ notice }))
  }

  get isEmpty(): boolean {
    return this.#reader.isEmpty
  }

  /** Keeps a line that is too large for the ring until its frame is next. */
  keep(payload: number, text: string): void {
    this.#outside.set(payload, text)
  }

  /** Writes the next frame, or several if that is cheaper; false if there is none that can be written now, or somebody else has the lock. */
  step(sink: Sink, pause: Pause): boolean {
    if (!this.#lock()) return false
    const frame = this.#reader.frame()
    const isWritten = frame !== undefined && (this.#isComplete(frame) ? this.#write(frame, sink, pause) : this.#giveUp(frame))
    const { words } = this.memory
    Atomics.store(words, WORD.owner, OWNER.free)
    Atomics.notify(words, WORD.owner)
    this.tellIfReached()
    return isWritten
  }

  /** Answers a `flush()` that waits for what is resolved now. */
  tellIfReached(): void {
    const { words } = this.memory
    if (Atomics.load(words, WORD.wanted) === 0) return
    if (((this.#reader.tail - Atomics.load(words, WORD.target)) | 0) < 0) return
    Atomics.store(words, WORD.wanted, 0)
    this.#tell({ reached: true })
  }

  #lock(): boolean {
    const { words } = this.memory
    const owner = Atomics.compareExchange(words, WORD.owner, OWNER.free, this.#owner)
    if (owner === OWNER.free) return true
    if (this.#owner !== OWNER.host || this.isEmpty || !this.#isLifeless()) return false
    // It was terminated while it wrote. The thread that started this one never is: when it ends, all do.
    return Atomics.compareExchange(words, WORD.owner, owner, this.#owner) === owner
  }

  #write(frame: Frame, sink: Sink, pause: Pause): true {
    const onTrouble = (failure: string): void => this.#tell({ failure, retried: true })
    const spilled = frame.kind === FRAME.spilled ? this.#spilled : undefined
    const delivery =
      spilled === undefined
        ? this.#writeRun(frame, sink, pause, onTrouble)
        : writeSpilled(this.memory, this.#reader, frame, spilled, sink, pause, onTrouble)
    if (delivery.outcome === 'rejected') this.#tell({ failure: delivery.reason, retried: false })
    if (frame.kind === FRAME.outside && delivery.outcome !== 'unfinished') this.#forget(frame.payload)
    return true
  }

  #writeRun(first: Frame, sink: Sink, pause: Pause, onTrouble: (failure: string) => void): Delivery {
    const run = this.#runs.make(first, sink.joinsBatches === true)
    const begin = performance.now()
    const delivery = writeRun(this.memory, this.#reader, run, sink, pause, onTrouble)
    this.#runs.took(performance.now() - begin, run.lines.length)
    return delivery
  }

  /* The thread that logs has sent the text before the frame that stands for it, but for another isolate it goes through the main thread. */
  #isComplete({ kind, payload }: Frame): boolean {
    if (kind !== FRAME.outside || this.#outside.has(payload)) return true
    this.#listen()
    return this.#outside.has(payload)
  }

  #giveUp(frame: Frame): boolean {
    if (!this.#isLifeless()) return false
    this.#reader.resolve(frame, 'rejected', 0)
    this.#tell({ failure: 'a line that is larger than the queue got lost with the thread that logged it', retried: false })
    return true
  }

  #forget(payload: number): void {
    for (const known of this.#outside.keys()) if (known <= payload) this.#outside.delete(known)
  }

  #isLifeless(): boolean {
    const { words } = this.memory
    const at = [WORD.owner, WORD.beat, WORD.head, WORD.tail, WORD.written].map((word) => Atomics.load(words, word))
    const now = performance.now()
    if (at.some((value, i) => value !== this.#stillAt[i])) {
      this.#stillAt = at
      this.#stillSince = now
    }
    return now - this.#stillSince >= LIFELESS_MS
  }
}
