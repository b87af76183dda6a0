import { expect } from 'chai'
import { failover, type RetryingOptions, retrying } from 'tracelane'
import type { AsyncSink, BatchResult } from '../../../lib/sinks'
import { messagesOf, Scene, sendTo, settled, TestBatch } from './scene'

const DOWN: BatchResult = { outcome: 'retryable', reason: 'down' }

describe('retrying()', () => {
  let scene: Scene

  function open(options: RetryingOptions): AsyncSink {
    return scene.open(retrying(scene.spec('a'), options))
  }

  beforeEach(() => {
    scene = new Scene()
  })

  it('waits a share by chance of a bound that doubles up to its most', async () => {
    scene.at('a').otherwise = DOWN
    const chances = [0.5, 0.25, 1 / 8, 0.999, 0.01]
    scene.timing.random = () => chances.shift() ?? 0.5
    void sendTo(open({ firstDelayMs: 100, maxDelayMs: 350 }), new TestBatch([{ msg: 1 }]))
    const waits: number[] = []
    while (waits.length < 5) {
      await settled()
      waits.push(...scene.timing.due())
      await scene.timing.pass(waits.at(-1) as number)
    }
    expect(waits.map(Math.round)).to.deep.equal([50, 50, 44, 350, 4])
    expect(scene.at('a').got.map(({ id }) => id)).to.deep.equal(Array(6).fill('abc-1'))
  })

  it('does not come back before the time that the destination asks for', async () => {
    scene.at('a').answers.push({ ...DOWN, retryAfterMs: 7_000 })
    const result = sendTo(open({ firstDelayMs: 100 }), new TestBatch([{ msg: 1 }]))
    await scene.timing.pass(6_999)
    expect(scene.at('a').got).to.have.length(1)
    await scene.timing.pass(1)
    expect(await result).to.deep.equal({ outcome: 'delivered' })
  })

  it('sends only what is missing again, and tells what was refused at the end', async () => {
    const partial = { outcome: 'partial', rejected: [0], retryable: [1, 3], reason: 'so and so' } as const
    scene.at('a').answers.push(partial, { ...partial, rejected: [], retryable: [1] })
    const result = sendTo(open({}), new TestBatch([{ msg: 0 }, { msg: 1 }, { msg: 2 }, { msg: 3 }]))
    await scene.timing.pass(1000)
    expect(await result).to.deep.equal({ outcome: 'partial', rejected: [0], retryable: [], reason: 'so and so' })
    expect(scene.at('a').got.map(({ texts }) => messagesOf(texts))).to.deep.equal([[0, 1, 2, 3], [1, 3], [3]])
    expect(new Set(scene.at('a').got.map(({ id }) => id)).size).to.equal(3)
  })

  it('names a part by what is in it', async () => {
    const partial = { outcome: 'partial', rejected: [], retryable: [1], reason: 'so' } as const
    scene.at('a').answers.push(partial, DOWN, DOWN)
    void sendTo(open({}), new TestBatch([{ msg: 0 }, { msg: 1 }]))
    await scene.timing.pass(10_000)
    const ids = scene.at('a').got.map(({ id }) => id)
    expect(ids[1]).to.match(/^abc-1~[0-9a-f]{16}$/)
    expect(ids.slice(1)).to.deep.equal([ids[1], ids[1], ids[1]])
  })

  it('gives up after so many attempts', async () => {
    scene.at('a').otherwise = DOWN
    const result = sendTo(open({ attempts: 3 }), new TestBatch([{ msg: 1 }]))
    await scene.timing.pass(100_000)
    expect(await result).to.deep.equal({ outcome: 'rejected', reason: 'given up after 3 tries: down' })
    expect(scene.at('a').got).to.have.length(3)
  })

  it('begins no try after its deadline, and does not wait for one that would be', async () => {
    scene.at('a').otherwise = { ...DOWN, retryAfterMs: 400 }
    const result = sendTo(open({ deadlineMs: 1000 }), new TestBatch([{ msg: 1 }]))
    await scene.timing.pass(800)
    expect(await result).to.deep.equal({ outcome: 'rejected', reason: 'given up after 3 tries: down' })
  })

  it('goes on as long as it takes, if nothing is said', async () => {
    scene.at('a').otherwise = DOWN
    const result = sendTo(open({}), new TestBatch([{ msg: 1 }]))
    await scene.timing.pass(24 * 3_600_000)
    scene.at('a').otherwise = { outcome: 'delivered' }
    await scene.timing.pass(30_000)
    expect(await result).to.deep.equal({ outcome: 'delivered' })
  })

  it('hands what it gave up on to a failover around it', async () => {
    scene.at('a').otherwise = DOWN
    const sink = scene.open(failover([retrying(scene.spec('a'), { attempts: 2 }), scene.spec('b')]))
    const result = sendTo(sink, new TestBatch([{ msg: 1 }]))
    await scene.timing.pass(1000)
    expect(await result).to.deep.equal({ outcome: 'delivered' })
    expect(messagesOf(scene.at('b').texts)).to.deep.equal([1])
  })

  it('does not try again what is refused', async () => {
    scene.at('a').otherwise = { outcome: 'rejected', reason: 'no', divisible: true }
    expect(await sendTo(open({}), new TestBatch([{ msg: 1 }]))).to.deep.equal(scene.at('a').otherwise)
  })

  it('ends its wait when it is closed, and gives back what it has', async () => {
    scene.at('a').otherwise = DOWN
    const sink = open({})
    const result = sendTo(sink, new TestBatch([{ msg: 1 }]))
    await settled()
    await sink.close()
    expect(await result).to.deep.equal(DOWN)
    expect(scene.timing.due()).to.deep.equal([])
    expect(scene.at('a').closed).to.equal(1)
  })

  it('says each time what is wrong', async () => {
    scene.at('a').answers.push(DOWN, DOWN)
    void sendTo(open({}), new TestBatch([{ msg: 1 }]))
    await scene.timing.pass(1000)
    expect(scene.troubles).to.deep.equal(['down', 'down'])
  })
})
