import { expect } from 'chai'
import {
  ACCOUNT,
  FRAME,
  type Frame,
  OWNER,
  type QueueMemory,
  type RingReader,
  type RingWriter,
  SYNC,
  WORD,
} from '../../../lib/appender/ring'
import { takeOver } from '../../../lib/appender/take-over'
import { FrameLines } from '../../../lib/appender/worker/frame-lines'
import { type FrameRun, RunMaker } from '../../../lib/appender/worker/frame-run'
import { ServedRing } from '../../../lib/appender/worker/served-ring'
import { writeRun } from '../../../lib/appender/worker/write-frame'
import type { Pause, SendResult, Sink } from '../../../lib/sinks'
import { SeededRandom } from '../../support/random'
import { contentOf, ringAt } from '../ring/ring.model'

/* A write that takes so long is slow. */
const SLOW_MS = 1
const OUTSIDE = 'a line outside of the ring\n'
const GO_ON: Pause = () => true
const STOP: Pause = () => false
const QUIET = (): void => undefined

type Trouble = Exclude<SendResult, { outcome: 'delivered' }>

/* A destination that takes of a write what it is told to, and else all. */
class Scripted implements Sink {
  readonly joinsBatches = true
  readonly writes: string[] = []
  syncs = 0
  onWrite: () => void = QUIET
  readonly #next: (bytes: number) => Trouble | undefined

  constructor(troubles: readonly Trouble[] | ((bytes: number) => Trouble | undefined) = []) {
    const queue = typeof troubles === 'function' ? undefined : [...troubles]
    this.#next = typeof troubles === 'function' ? troubles : () => queue?.shift()
  }

  write(lines: Uint8Array): SendResult {
    const trouble = this.#next(lines.length)
    this.writes.push(Buffer.from(lines.subarray(0, trouble?.written)).toString())
    this.onWrite()
    return trouble ?? { outcome: 'delivered' }
  }

  sync(): boolean {
    this.syncs++
    return true
  }

  close(): void {
    this.onWrite = QUIET
  }

  get text(): string {
    return this.writes.join('')
  }
}

const failing = (written: number): Trouble => ({ outcome: 'retryable', written, reason: 'full' })

class World {
  readonly memory: QueueMemory
  readonly writer: RingWriter
  readonly reader: RingReader
  readonly runs: RunMaker

  constructor(...frames: readonly (readonly string[])[]) {
    const { memory, writer, reader } = ringAt(4 * 1024 * 1024)
    this.memory = memory
    this.writer = writer
    this.reader = reader
    this.runs = new RunMaker(reader, new FrameLines(() => OUTSIDE))
    for (let i = 0; i < 2; i++) this.runs.took(SLOW_MS, 100)
    for (const [i, texts] of frames.entries()) writer.write(contentOf(texts, 10 * i), 0)
  }

  make(together = true): FrameRun {
    return this.runs.make(this.reader.frame() as Frame, together)
  }

  text(together = true): string {
    return Buffer.from(this.make(together).lines).toString()
  }

  write(sink: Sink, pause: Pause): string {
    return writeRun(this.memory, this.reader, this.make(), sink, pause, QUIET).outcome
  }

  get account(): Record<string, number> {
    const counted = (which: keyof typeof ACCOUNT): number => this.memory.counted(ACCOUNT[which])
    return {
      ...{ delivered: counted('delivered'), rejected: counted('rejected'), bytes: counted('bytes') },
      ...{ written: Atomics.load(this.memory.words, WORD.written), pending: this.reader.pendingEvents() },
    }
  }
}

describe('a run of frames', () => {
  it('is one frame as long as the destination is fast, and all that wait when its last two writes took long', () => {
    const world = new World(['a\n', 'b\n'], ['c\n'], ['d\n'])
    expect(world.text()).to.equal('a\nb\nc\nd\n')
    world.runs.took(0.2, 100)
    expect(world.text()).to.equal('a\nb\n')
    world.runs.took(0.3, 100)
    expect(world.text()).to.equal('a\nb\n')
    world.runs.took(0.3, 100)
    expect(world.text()).to.equal('a\nb\nc\nd\n')
    world.runs.took(0.9, 1024 * 1024)
    expect(world.text(), 'as long as a large write may take').to.equal('a\nb\n')
  })

  it('is one frame for a sink that asks for the events', () => {
    const world = new World(['a\n', 'b\n'], ['c\n'])
    expect(world.text(false)).to.equal('a\nb\n')
    expect(world.make(false).rows?.()).to.have.length(2)
  })

  it('ends with the frame that brings it to a mebibyte', () => {
    const text = `${'x'.repeat(300_000)}\n`
    expect(new World(...Array.from({ length: 8 }, () => [text])).text()).to.equal(text.repeat(4))
  })

  it('ends before what is to be on the disk, or lies outside of the ring, and that goes alone', () => {
    const world = new World(['a\n'])
    world.writer.write({ ...contentOf(['b\n'], 1), flags: SYNC }, 0)
    world.writer.write(contentOf([''], 2, '', FRAME.outside), 0)
    world.writer.write(contentOf(['d\n'], 3), 0)
    const sink = new Scripted()
    for (let i = 0; i < 4; i++) world.write(sink, GO_ON)
    expect(sink.writes).to.deep.equal(['a\n', 'b\n', OUTSIDE, 'd\n'])
    expect(sink.syncs).to.equal(1)
  })

  it('leaves behind what the destination had when it stopped, and says how much of the next frame it has', () => {
    const world = new World(['a\n'], ['bbb\n'], ['c\n'])
    expect(world.write(new Scripted([failing(4)]), STOP)).to.equal('unfinished')
    expect(world.account).to.deep.equal({ delivered: 1, rejected: 0, bytes: 2, written: 2, pending: 2 })
    const rest = new Scripted()
    takeOver({ memory: world.memory, payloads: () => undefined }, rest, STOP)
    expect(rest.text).to.equal('b\nc\n')
    expect(world.account).to.deep.equal({ delivered: 3, rejected: 0, bytes: 8, written: 0, pending: 0 })
  })

  it('goes on where it stopped, without what was resolved meanwhile', () => {
    const world = new World(['a\n'], ['bbb\n'], ['c\n'], ['d\n'])
    const sink = new Scripted([failing(3), failing(0), failing(3)])
    expect(world.write(sink, GO_ON)).to.equal('delivered')
    expect(sink.writes).to.deep.equal(['a\nb', '', 'bb\n', 'c\nd\n'])
    expect(world.account).to.deep.equal({ delivered: 4, rejected: 0, bytes: 10, written: 0, pending: 0 })
  })

  it('that is refused counts as delivered what the destination took', () => {
    const world = new World(['a\n'], ['bbb\n'], ['c\n'])
    expect(world.write(new Scripted([{ outcome: 'rejected', written: 3, reason: 'gone' }]), GO_ON)).to.equal('rejected')
    expect(world.account).to.deep.equal({ delivered: 1, rejected: 2, bytes: 2, written: 0, pending: 0 })
  })

  it('is made by the thread that serves a ring, when a write takes long', () => {
    const texts = Array.from({ length: 50 }, (_, i) => `${i}\n`)
    const world = new World(...texts.map((text) => [text]))
    const ring = new ServedRing(world.memory.shared, OWNER.flush, QUIET, QUIET)
    const clock = new Int32Array(new SharedArrayBuffer(4))
    const sink = new Scripted()
    sink.onWrite = () => Atomics.wait(clock, 0, 0, 2 * SLOW_MS)
    while (ring.step(sink, GO_ON));
    expect(sink.writes).to.deep.equal([texts[0], texts[1], texts.slice(2).join('')])
  })

  for (const seed of [1, 2, 3]) {
    it(`brings every line over once and in order, whatever the destination takes and whoever writes: seed ${seed}`, () => {
      const random = new SeededRandom(seed)
      const { memory, writer, reader } = ringAt(16 * 1024, 2 ** 31 - 8 * 1024)
      const runs = new RunMaker(reader, new FrameLines(() => undefined))
      const sink = new Scripted((bytes) => (random.int(3) === 0 ? failing(random.int(bytes + 1)) : undefined))
      const pause: Pause = () => random.int(2) === 0
      let expected = ''
      for (let seq = 0; seq < 4_000; seq++) {
        const text = `${seq} ${'x'.repeat(random.int(300))}\n`
        while (!writer.write(contentOf([text], seq), 0))
          takeOver({ memory, payloads: () => undefined }, sink, pause, 1 + random.int(3))
        expected += text
        if (random.int(8) > 0) continue
        for (let i = random.int(3); i >= 0; i--) runs.took(i === 2 ? 0 : SLOW_MS, 100)
        const first = reader.frame()
        if (first !== undefined) writeRun(memory, reader, runs.make(first, true), sink, pause, QUIET)
      }
      takeOver({ memory, payloads: () => undefined }, sink, GO_ON)
      expect(sink.text).to.equal(expected)
      expect(memory.counted(ACCOUNT.delivered)).to.equal(4_000)
      expect(memory.counted(ACCOUNT.bytes)).to.equal(expected.length)
    })
  }
})
