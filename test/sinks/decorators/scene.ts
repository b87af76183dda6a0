import { type HttpSinkSpec, httpSink, type Level } from 'tracelane'
import { SEVERITY } from '../../../lib/event'
import { type AsyncSink, type BatchEvent, type BatchResult, openSink, type SinkBatch, type SinkSpec } from '../../../lib/sinks'
import {
  BlockingSink,
  isDecorated,
  type Opening,
  openDecorator,
  type ReplayOutcomes,
  type Timing,
} from '../../../lib/sinks/decorators'

/** An event of a test batch. */
export interface Said {
  readonly level?: Level
  readonly traceId?: string
  readonly [field: string]: unknown
}

/** A batch of JSON lines, in memory that is written over as soon as `send` has returned, as the appender does. */
export class TestBatch implements SinkBatch {
  readonly lines: Uint8Array
  readonly events: number
  readonly id: string
  readonly instance = 'abcdef0123456789'
  readonly #rows: readonly BatchEvent[]

  /** `seqs`: the number of each event, if it is not its place. */
  constructor(events: readonly Said[], id = 'abc-1', seqs: readonly number[] = events.map((_, i) => i)) {
    const texts = events.map((event) => `${JSON.stringify(event)}\n`)
    this.lines = Buffer.from(texts.join(''))
    this.events = events.length
    this.id = id
    let end = 0
    this.#rows = events.map(({ level = 'info', traceId }, i) => {
      const start = end
      end += Buffer.byteLength(texts[i] as string)
      return { start, end, severity: SEVERITY[level], seq: seqs[i] as number, traceId }
    })
  }

  rows(): readonly BatchEvent[] {
    if (this.lines[0] === 0) throw new Error('rows() was called after the memory was given back')
    return this.#rows
  }
}

/** Sends a batch and gives its memory back at once. */
export function sendTo(sink: AsyncSink, batch: TestBatch): Promise<BatchResult> {
  const result = sink.send(batch)
  batch.lines.fill(0)
  return result
}

const MOST_STEPS = 100_000

/** A clock that stands still until it is told to go on, and chance that is none. */
export class ManualTiming implements Timing {
  chance = 0.5
  #now = 1000
  readonly #timers = new Set<{ readonly at: number; readonly then: () => void }>()

  now(): number {
    return this.#now
  }

  random(): number {
    return this.chance
  }

  after(ms: number, then: () => void): () => void {
    const timer = { at: this.#now + ms, then }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** In how many milliseconds each timer is due, in order. */
  due(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b)
  }

  /** Lets time pass, timer by timer, and what follows from each. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    for (let steps = 0; ; steps++) {
      if (steps > MOST_STEPS) throw new Error('time does not get on')
      await settled()
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.then()
    }
    this.#now = Math.max(this.#now, end)
    await settled()
  }
}

/** Everything that only waits for promises has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A destination that answers as the test says; what it got, as texts. */
export class Destination {
  readonly got: { readonly id: string; readonly texts: readonly string[] }[] = []
  /** What to answer next; when there is none any more, `otherwise`. */
  readonly answers: BatchResult[] = []
  otherwise: BatchResult = { outcome: 'delivered' }
  /** If there is one, it answers. */
  answerTo: ((texts: readonly string[]) => BatchResult) | undefined
  /** The same, later. */
  hold: (() => Promise<BatchResult>) | undefined
  onClose: (() => void) | undefined
  opened = 0
  closed = 0

  get texts(): string[] {
    return this.got.flatMap(({ texts }) => texts)
  }

  open(): AsyncSink {
    this.opened++
    return {
      send: async ({ lines, id }) => {
        const texts = Buffer.from(lines).toString().split('\n').slice(0, -1)
        this.got.push({ id, texts })
        const held = this.answerTo?.(texts) ?? this.hold?.()
        await undefined
        return held ?? this.answers.shift() ?? this.otherwise
      },
      close: async () => {
        this.closed++
        this.onClose?.()
      },
    }
  }
}

/** Opens a decorator over destinations of the test. */
export class Scene {
  readonly timing = new ManualTiming()
  readonly troubles: string[] = []
  readonly replayed: ReplayOutcomes[] = []
  readonly #destinations = new Map<string, Destination>()

  /** A sink as data that stands for the destination `name`. */
  spec(name: string): HttpSinkSpec {
    return httpSink({ url: `http://${name}.example/` })
  }

  at(name: string): Destination {
    const known = this.#destinations.get(name)
    if (known !== undefined) return known
    const made = new Destination()
    this.#destinations.set(name, made)
    return made
  }

  open(spec: SinkSpec): AsyncSink {
    return this.#open(spec, false)
  }

  #open(spec: SinkSpec, takesBack: boolean): AsyncSink {
    if (isDecorated(spec)) return openDecorator(spec, this.#opening(takesBack))
    if (spec.kind !== 'http') return new BlockingSink(openSink(spec), this.timing)
    return this.at(new URL(spec.options.url).hostname.split('.')[0] as string).open()
  }

  #opening(takesBack: boolean): Opening {
    return {
      ...{ timing: this.timing, takesBack },
      onTrouble: (reason) => this.troubles.push(reason),
      onReplayed: (outcomes) => this.replayed.push(outcomes),
      open: (inner, innerTakesBack = takesBack) => this.#open(inner, innerTakesBack),
    }
  }
}

/** The `msg` of each line. */
export function messagesOf(texts: readonly string[]): unknown[] {
  return texts.map((text) => (JSON.parse(text) as { msg: unknown }).msg)
}
