import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fileSink } from 'tracelane'
import { type AsyncSink, openSink, type Pause, type SendResult } from '../../../lib/sinks'
import { BlockingSink } from '../../../lib/sinks/decorators'
import { tempFolder } from '../../support'
import { ManualTiming, sendTo, settled, TestBatch } from './scene'

const BUSY = 'busy'
const FULL = 'full'

/* A file sink whose disk takes only so many bytes each time, and then is full, or busy as a pipe is. */
class Narrow {
  readonly path = join(tempFolder(), 'a.log')
  readonly #file = openSink(fileSink({ path: this.path }))
  /* How many bytes each write takes, and why no more. */
  readonly steps: (readonly [bytes: number, trouble: typeof BUSY | typeof FULL | 'gone'])[] = []

  write(lines: Uint8Array, pause: Pause): SendResult {
    const [bytes, trouble] = this.steps.shift() ?? [lines.length, FULL]
    if (bytes >= lines.length) return this.#file.write(lines, pause)
    if (bytes > 0) this.#file.write(lines.subarray(0, bytes), pause)
    if (trouble === BUSY) pause(5)
    return { outcome: trouble === 'gone' ? 'rejected' : 'retryable', written: bytes, reason: trouble }
  }

  close(): void {
    this.#file.close()
  }

  get text(): string {
    return readFileSync(this.path, 'utf8')
  }
}

const THREE = [{ m: 0 }, { m: 1 }, { m: 2 }]
const WHOLE = '{"m":0}\n{"m":1}\n{"m":2}\n'

describe('a sink that blocks, below a decorator', () => {
  let disk: Narrow
  let timing: ManualTiming
  let sink: AsyncSink

  beforeEach(() => {
    disk = new Narrow()
    timing = new ManualTiming()
    sink = new BlockingSink(disk, timing)
  })

  afterEach(() => sink.close())

  it('writes at once what it can', async () => {
    const result = sendTo(sink, new TestBatch(THREE))
    expect(disk.text).to.equal(WHOLE)
    expect(await result).to.deep.equal({ outcome: 'delivered' })
  })

  it('waits for a busy pipe without holding up others, and goes on where it stopped', async () => {
    disk.steps.push([3, BUSY], [0, BUSY], [9, BUSY])
    const result = sendTo(sink, new TestBatch(THREE))
    await timing.pass(15)
    expect(await result).to.deep.equal({ outcome: 'delivered' })
    expect(disk.text).to.equal(WHOLE)
  })

  it('takes a pipe that is busy for a second for one in trouble', async () => {
    disk.steps.push(...Array.from({ length: 300 }, () => [0, BUSY] as const))
    const result = sendTo(sink, new TestBatch(THREE))
    await timing.pass(1005)
    expect(await result).to.deep.equal({ outcome: 'retryable', reason: 'busy' })
  })

  it('says which events are there after a write that stopped, and tears no line when they come again', async () => {
    disk.steps.push([12, FULL])
    const first = await sendTo(sink, new TestBatch(THREE))
    expect(first).to.deep.equal({ outcome: 'partial', rejected: [], retryable: [1, 2], reason: 'full' })
    expect(await sendTo(sink, new TestBatch(THREE.slice(1), 'abc-1~0', [1, 2]))).to.deep.equal({ outcome: 'delivered' })
    expect(disk.text).to.equal(WHOLE)
  })

  it('ends a torn line before anything else, and knows its event when that comes later', async () => {
    disk.steps.push([12, FULL])
    await sendTo(sink, new TestBatch(THREE))
    expect(await sendTo(sink, new TestBatch([{ m: 7 }], 'abc-7', [7]))).to.deep.equal({ outcome: 'delivered' })
    expect(disk.text).to.equal('{"m":0}\n{"m":1}\n{"m":7}\n')
    await sendTo(sink, new TestBatch(THREE.slice(1), 'abc-1~0', [1, 2]))
    expect(disk.text).to.equal('{"m":0}\n{"m":1}\n{"m":7}\n{"m":2}\n')
  })

  it('goes on with a torn line piece by piece', async () => {
    disk.steps.push([9, FULL], [2, FULL], [1, FULL])
    await sendTo(sink, new TestBatch(THREE))
    const rest = (): TestBatch => new TestBatch(THREE.slice(1), 'abc-1~0', [1, 2])
    expect(await sendTo(sink, rest())).to.deep.equal({ outcome: 'retryable', reason: 'full' })
    expect(await sendTo(sink, rest())).to.deep.equal({ outcome: 'retryable', reason: 'full' })
    expect(await sendTo(sink, rest())).to.deep.equal({ outcome: 'delivered' })
    expect(disk.text).to.equal(WHOLE)
  })

  it('gives up what a reader that is gone did not get', async () => {
    disk.steps.push([12, 'gone'])
    const expected = { outcome: 'partial', rejected: [1, 2], retryable: [], reason: 'gone' }
    expect(await sendTo(sink, new TestBatch(THREE))).to.deep.equal(expected)
  })

  it('keeps batches in order while it waits', async () => {
    disk.steps.push([3, BUSY])
    const results = [sendTo(sink, new TestBatch(THREE)), sendTo(sink, new TestBatch([{ m: 3 }], 'abc-3', [3]))]
    await settled()
    expect(disk.text).to.equal('{"m')
    await timing.pass(5)
    await Promise.all(results)
    expect(disk.text).to.equal(`${WHOLE}{"m":3}\n`)
  })

  it('ends its wait when it is closed', async () => {
    disk.steps.push([3, BUSY])
    const result = sendTo(sink, new TestBatch(THREE))
    await settled()
    await sink.close()
    expect(await result).to.deep.equal({ outcome: 'retryable', reason: 'busy' })
    expect(timing.due()).to.deep.equal([])
  })
})
