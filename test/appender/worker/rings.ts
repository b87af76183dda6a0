import { CapturedBatch } from '../../../lib/appender/captured-batch'
import type { EventBatch } from '../../../lib/appender/event-batch'
import { LineBatch } from '../../../lib/appender/line-batch'
import { outsideFrame } from '../../../lib/appender/line-frame'
import { ACCOUNT, OWNER, QueueMemory, RingReader, RingWriter, WORD } from '../../../lib/appender/ring'
import { FrameSender, type SenderClock } from '../../../lib/appender/worker/frame-sender'
import type { FromFlushThread } from '../../../lib/appender/worker/protocol'
import { captureEvent, type Level, type LogEvent, SEVERITY } from '../../../lib/event'
import { createLayout, type LayoutSpec } from '../../../lib/layout'
import type { AsyncSink, BatchResult, SendingOptions, SinkBatch } from '../../../lib/sinks'

const ORIGIN = { service: undefined }
const INSTANCE = '00c0ffee00c0ffee'

/** What a batch was when it was sent, copied. */
export interface Sent {
  readonly id: string
  readonly instance: string
  readonly events: number
  readonly lines: readonly string[]
  readonly rows: readonly { readonly severity: number; readonly seq: number; readonly traceId: string | undefined }[]
  /** The `msg` of each line, if it is JSON. */
  readonly messages: readonly string[]
}

type Answer = (sent: Sent) => BatchResult | Promise<BatchResult>

/** A ring with a sender, whose sink answers as it is told. */
export class SenderWorld {
  readonly memory = QueueMemory.create(256 * 1024)
  readonly sent: Sent[] = []
  /** Of each of those, whether the sink was told of this very batch before. */
  readonly wasPrepared: boolean[] = []
  readonly told: FromFlushThread[] = []
  readonly sender: FrameSender
  readonly outside = new Map<number, string>()
  closed = 0
  readonly #ring = new RingWriter(this.memory)
  readonly #prepared: SinkBatch[] = []
  readonly #running: Promise<void>
  #seq = 100

  /** `prepares`: whether the sink wants to hear of the next batch. */
  constructor(answer: Answer, sending: SendingOptions = {}, clock?: SenderClock, prepares = false) {
    const sink: AsyncSink = {
      sending,
      ...(prepares ? { prepare: (batch) => void this.#prepared.push(batch) } : {}),
      send: async (batch) => {
        const sent = sentOf(batch)
        this.wasPrepared.push(this.#prepared.includes(batch))
        this.sent.push(sent)
        return answer(sent)
      },
      close: async () => void this.closed++,
    }
    this.sender = new FrameSender(
      this.memory.shared,
      (payload) => this.outside.get(payload),
      sink,
      INSTANCE,
      (message) => void this.told.push(message),
      undefined,
      clock,
    )
    this.#running = this.sender.run()
  }

  /** Writes one frame of these events, as captured values or as lines of a layout. */
  write(events: readonly Partial<LogEvent>[], layout?: LayoutSpec | string): void {
    const batch: EventBatch =
      layout === undefined
        ? new CapturedBatch(ORIGIN, true)
        : new LineBatch(createLayout(layout as 'json', ORIGIN, { ordering: true, terminal: false }))
    for (const given of events) {
      const event = eventOf(given)
      // Some of its numbers went to other sinks.
      this.#seq += 3
      batch.record(event, this.#seq)
      batch.add(SEVERITY[event.level], this.#seq, 0)
    }
    this.#ring.write(batch.take(), Date.now())
    this.sender.ring()
  }

  /** Writes a frame that stands for a line that is too large for the ring. */
  writeOutside(level: Level, traceId: string | undefined, line: string): void {
    this.#seq += 3
    this.outside.set(1, line)
    this.#ring.write(outsideFrame({ level, seq: this.#seq, traceId, flags: 0 }, 1), Date.now())
    this.sender.ring()
  }

  /** As the end of a task does. */
  endTask(): void {
    Atomics.store(this.memory.words, WORD.due, this.#ring.head)
    this.sender.ring()
  }

  /** Resolves all frames, as the end of a process that is put off does. */
  takeAll(): void {
    Atomics.store(this.memory.words, WORD.owner, OWNER.main)
    const reader = new RingReader(this.memory)
    for (let frame = reader.frame(); frame !== undefined; frame = reader.frame()) reader.resolve(frame, 'spooled', 0)
    Atomics.store(this.memory.words, WORD.owner, OWNER.free)
  }

  counted(which: keyof typeof ACCOUNT): number {
    return this.memory.counted(ACCOUNT[which])
  }

  /** How many signs of life there were. */
  get beats(): number {
    return Atomics.load(this.memory.words, WORD.beat)
  }

  /** Events in the ring. */
  get pending(): number {
    return new RingReader(this.memory).pendingEvents()
  }

  /** The messages of batches that the sink was told of before they are sent. */
  get prepared(): string[] {
    return this.#prepared.map((batch) => sentOf(batch).messages.join(''))
  }

  /** The messages of all batches, in the order in which they were sent. */
  get messages(): string[] {
    return this.sent.flatMap(({ messages }) => messages)
  }

  get failures(): { readonly failure: string; readonly retried: boolean }[] {
    return this.told.flatMap((message) => ('failure' in message ? [message] : []))
  }

  async stop(): Promise<void> {
    this.sender.stop()
    await this.#running
  }
}

function eventOf(given: Partial<LogEvent>): LogEvent {
  return { ...captureEvent(undefined, { level: 'info', logger: 'x', msg: 'm', fields: undefined }), ...given }
}

function sentOf(batch: SinkBatch): Sent {
  const bytes = Buffer.from(batch.lines)
  const rows = batch.rows()
  const lines = rows.map(({ start, end }) => bytes.toString('utf8', start, end))
  return {
    ...{ id: batch.id, instance: batch.instance, events: batch.events, lines },
    rows: rows.map(({ severity, seq, traceId }) => ({ severity, seq, traceId })),
    messages: lines.flatMap((line) => (line.startsWith('{') ? [(JSON.parse(line) as { msg: string }).msg] : [])),
  }
}
