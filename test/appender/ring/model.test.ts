import { expect } from 'chai'
import fc from 'fast-check'
import { ACCOUNT, FRAME, type FrameContent, RingReader, RingWriter, WORD } from '../../../lib/appender/ring'
import { contentOf, type Ring, ringAt, sizeOf } from './ring.model'

const CAPACITY = 4096

/* What a ring is to be: an array of frames, the bytes before each, and how much of the first is written. */
interface Model {
  frames: { readonly content: FrameContent; readonly time: number; readonly size: number; padding: number }[]
  /* Where the next frame begins, from 0 to CAPACITY. */
  at: number
  used: number
  seq: number
  written: number
  account: { delivered: number; rejected: number; spooled: number; bytes: number }
}

type Command = fc.Command<Model, Ring & { writer: RingWriter; reader: RingReader }>

class Write implements Command {
  readonly #texts: readonly string[]
  readonly #dictionary: string

  constructor(texts: readonly string[], dictionary: string) {
    this.#texts = texts
    this.#dictionary = dictionary
  }

  check(): boolean {
    return true
  }

  run(model: Model, { writer }: Ring): void {
    const content = contentOf(this.#texts, model.seq, this.#dictionary)
    const size = sizeOf(content)
    writer.look()
    const told = writer.fits(size)
    const isIn = writer.write(content, model.seq * 10)
    const toEnd = CAPACITY - model.at
    const padding = size <= toEnd ? 0 : toEnd
    expect(isIn, 'written').to.equal(model.used + padding + size <= CAPACITY)
    expect(told, 'fits').to.equal(isIn)
    if (!isIn) return
    model.frames.push({ content, time: model.seq * 10, size, padding })
    model.at = ((padding > 0 ? 0 : model.at) + size) % CAPACITY
    model.used += padding + size
    model.seq += content.events
  }

  toString(): string {
    return `write(${this.#texts.map((text) => text.length)}, ${this.#dictionary.length})`
  }
}

class Read implements Command {
  check(): boolean {
    return true
  }

  run(model: Model, { reader, writer }: Ring): void {
    const frame = reader.frame()
    const [first] = model.frames
    expect(frame === undefined).to.equal(first === undefined)
    if (frame === undefined || first === undefined) return
    const { content } = first
    model.used -= first.padding
    first.padding = 0
    expect(frame).to.include({
      kind: FRAME.lines,
      events: content.events,
      firstSeq: content.firstSeq,
      time: first.time,
      size: first.size,
    })
    expect(frame.text.toString()).to.equal(content.text)
    expect(frame.dictionary.toString()).to.equal(content.dictionary)
    expect([...frame.rows]).to.deep.equal([...content.rows.subarray(0, content.events * content.rowWords)])
    writer.look()
  }

  toString(): string {
    return 'read'
  }
}

/* The destination takes `share` of what is left of the first frame. */
class WritePart implements Command {
  readonly #share: number

  constructor(share: number) {
    this.#share = share
  }

  check({ frames }: Readonly<Model>): boolean {
    return frames.length > 0
  }

  run(model: Model, { memory }: Ring): void {
    const all = Buffer.byteLength(model.frames[0]?.content.text ?? '')
    model.written += Math.floor((all - model.written) * this.#share)
    Atomics.store(memory.words, WORD.written, model.written)
  }

  toString(): string {
    return `part(${this.#share})`
  }
}

class Resolve implements Command {
  readonly #outcome: 'delivered' | 'rejected' | 'spooled'

  constructor(outcome: 'delivered' | 'rejected' | 'spooled') {
    this.#outcome = outcome
  }

  check({ frames }: Readonly<Model>): boolean {
    return frames.length > 0
  }

  run(model: Model, ring: Ring): void {
    expect(Atomics.load(ring.memory.words, WORD.written)).to.equal(model.written)
    const frame = ring.reader.frame()
    const first = model.frames.shift()
    if (frame === undefined || first === undefined) throw new Error('no frame')
    ring.reader.resolve(frame, this.#outcome, frame.text.length)
    model.used -= first.padding + first.size
    model.written = 0
    model.account[this.#outcome] += first.content.events
    if (this.#outcome === 'delivered') model.account.bytes += Buffer.byteLength(first.content.text)
  }

  toString(): string {
    return `resolve(${this.#outcome})`
  }
}

/* Somebody else goes on: a new flush thread, or the thread that logs, with nothing but the memory. */
class TakeOver implements Command {
  check(): boolean {
    return true
  }

  run(_model: Model, ring: { -readonly [K in keyof Ring]: Ring[K] }): void {
    ring.reader = new RingReader(ring.memory)
    ring.writer = new RingWriter(ring.memory)
  }

  toString(): string {
    return 'takeOver'
  }
}

class Look implements Command {
  check(): boolean {
    return true
  }

  run(model: Model, { memory, reader, writer }: Ring): void {
    writer.look()
    expect(writer.used, 'used').to.equal(model.used)
    expect(reader.isEmpty).to.equal(model.used === 0)
    expect(reader.pendingEvents()).to.equal(model.frames.reduce((sum, { content }) => sum + content.events, 0))
    expect(reader.oldestTime()).to.equal(model.frames[0]?.time)
    const { delivered, rejected, spooled, bytes } = model.account
    expect(memory.counted(ACCOUNT.delivered)).to.equal(delivered)
    expect(memory.counted(ACCOUNT.rejected)).to.equal(rejected)
    expect(memory.counted(ACCOUNT.spooled)).to.equal(spooled)
    expect(memory.counted(ACCOUNT.bytes)).to.equal(bytes)
    expect(Atomics.load(memory.words, WORD.resolvedEvents)).to.equal(delivered + rejected + spooled)
  }

  toString(): string {
    return 'look'
  }
}

const unit = fc.constantFrom('x', 'é', '€', '😀', '\n')
const text = fc
  .tuple(unit, fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) }, fc.integer({ min: 0, max: 5000 })))
  .map(([character, times]) => character.repeat(times))
const dictionary = fc.integer({ min: 0, max: 3 }).map((ids) => '0123456789abcdef'.repeat(2 * ids))
const commands = [
  fc.tuple(fc.array(text, { minLength: 1, maxLength: 5 }), dictionary).map(([texts, ids]) => new Write(texts, ids)),
  fc.constant(new Read()),
  fc.double({ min: 0, max: 1, noNaN: true }).map((part) => new WritePart(part)),
  fc.constantFrom('delivered' as const, 'rejected' as const, 'spooled' as const).map((outcome) => new Resolve(outcome)),
  fc.constant(new TakeOver()),
  fc.constant(new Look()),
]
/* Positions near the ends of Int32, so that they wrap around in the middle of a run. */
const starts = fc.constantFrom(0, 2 ** 31 - 4096, 2 ** 31 - 8, -4096, -8)

describe('a ring against a plain array', () => {
  it('does the same in any order of writes, reads, half-written frames, resolutions and take-overs', () => {
    const run = (start: number, all: Iterable<Command>): void => {
      const model = {
        frames: [],
        at: start & (CAPACITY - 1),
        used: 0,
        seq: 1,
        written: 0,
        account: { delivered: 0, rejected: 0, spooled: 0, bytes: 0 },
      }
      fc.modelRun(() => ({ model, real: ringAt(CAPACITY, start) }), all)
    }
    fc.assert(fc.property(starts, fc.commands(commands, { maxCommands: 120, size: 'max' }), run), { numRuns: 400 })
  })
})
