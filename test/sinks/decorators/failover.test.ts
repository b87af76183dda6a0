import { expect } from 'chai'
import { failover } from 'tracelane'
import type { AsyncSink, BatchResult } from '../../../lib/sinks'
import { messagesOf, Scene, sendTo, settled, TestBatch } from './scene'

const DOWN: BatchResult = { outcome: 'retryable', reason: 'down' }
const DELIVERED: BatchResult = { outcome: 'delivered' }

describe('failover()', () => {
  let scene: Scene
  let sink: AsyncSink
  let sent = 0

  beforeEach(() => {
    scene = new Scene()
    sink = scene.open(failover([scene.spec('a'), scene.spec('b')], { probeAfterMs: 1000 }))
    sent = 0
  })

  function send(): Promise<BatchResult> {
    sent++
    return sendTo(sink, new TestBatch([{ msg: sent }], `abc-${sent}`))
  }

  it('sends to the first one as long as it works', async () => {
    expect([await send(), await send()]).to.deep.equal([DELIVERED, DELIVERED])
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2])
    expect(scene.at('b').texts).to.deep.equal([])
  })

  it('goes to the next at once, and leaves the first one alone until it is probed', async () => {
    scene.at('a').otherwise = DOWN
    expect([await send(), await send()]).to.deep.equal([DELIVERED, DELIVERED])
    await scene.timing.pass(999)
    await send()
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1])
    await scene.timing.pass(1)
    await send()
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 4])
    expect(messagesOf(scene.at('b').texts)).to.deep.equal([1, 2, 3, 4])
  })

  it('goes back to the first one when a probe was taken, and stays away as long again when it was not', async () => {
    scene.at('a').answers.push(DOWN, DOWN)
    await send()
    await scene.timing.pass(1000)
    await send()
    await scene.timing.pass(999)
    await send()
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2])
    await scene.timing.pass(1)
    await send()
    await Promise.all([send(), send()])
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2, 4, 5, 6])
    expect(messagesOf(scene.at('b').texts)).to.deep.equal([1, 2, 3])
  })

  it('probes with one batch at a time', async () => {
    scene.at('a').answers.push(DOWN)
    await send()
    await scene.timing.pass(1000)
    await Promise.all([send(), send(), send()])
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2])
    expect(messagesOf(scene.at('b').texts)).to.deep.equal([1, 3, 4])
  })

  it('does not probe before the time that the destination asks for', async () => {
    scene.at('a').answers.push({ ...DOWN, retryAfterMs: 5000 })
    await send()
    await scene.timing.pass(4999)
    await send()
    await scene.timing.pass(1)
    await send()
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 3])
  })

  it('sends on only what the first one does not have, and keeps what it refused refused', async () => {
    scene.at('a').answers.push({ outcome: 'partial', rejected: [0], retryable: [2], reason: 'some' })
    const batch = new TestBatch([{ msg: 'bad' }, { msg: 'taken' }, { msg: 'later' }])
    expect(await sendTo(sink, batch)).to.deep.equal({ outcome: 'partial', rejected: [0], retryable: [], reason: 'some' })
    expect(messagesOf(scene.at('b').texts)).to.deep.equal(['later'])
    await send()
    expect(messagesOf(scene.at('a').texts)).to.include(1)
  })

  it('gives back what nobody takes, and then asks all of them', async () => {
    scene.at('a').otherwise = DOWN
    scene.at('b').otherwise = { ...DOWN, reason: 'down too' }
    expect(await send()).to.deep.equal({ outcome: 'retryable', reason: 'down too' })
    scene.at('b').otherwise = DELIVERED
    expect(await send()).to.deep.equal(DELIVERED)
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2])
  })

  it('says once that one is left alone', async () => {
    scene.at('a').otherwise = DOWN
    await send()
    await scene.timing.pass(1000)
    await send()
    await settled()
    expect(scene.troubles).to.deep.equal(['http://a.example is left alone for now: down'])
  })
})
