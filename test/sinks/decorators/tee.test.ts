import { expect } from 'chai'
import { tee } from 'tracelane'
import type { AsyncSink, BatchResult } from '../../../lib/sinks'
import { messagesOf, Scene, sendTo, TestBatch } from './scene'

const DOWN: BatchResult = { outcome: 'retryable', reason: 'down' }
const DELIVERED: BatchResult = { outcome: 'delivered' }
const THREE = [{ msg: 0 }, { msg: 1 }, { msg: 2 }]

describe('tee()', () => {
  let scene: Scene
  let sink: AsyncSink

  beforeEach(() => {
    scene = new Scene()
    sink = scene.open(tee([scene.spec('a'), scene.spec('b')]))
  })

  const got = (name: string): unknown[][] => scene.at(name).got.map(({ texts }) => messagesOf(texts))

  it('gives everything to all', async () => {
    expect(await sendTo(sink, new TestBatch(THREE))).to.deep.equal(DELIVERED)
    expect([got('a'), got('b')]).to.deep.equal([[[0, 1, 2]], [[0, 1, 2]]])
    expect([scene.at('a').got[0]?.id, scene.at('b').got[0]?.id]).to.deep.equal(['abc-1.0', 'abc-1.1'])
  })

  it('sends again only to those that do not have it', async () => {
    scene.at('b').answers.push({ ...DOWN, retryAfterMs: 700 }, DOWN)
    const expected = { outcome: 'retryable', reason: 'down' }
    expect(await sendTo(sink, new TestBatch(THREE))).to.deep.equal({ ...expected, retryAfterMs: 700 })
    expect(await sendTo(sink, new TestBatch(THREE))).to.deep.equal(expected)
    expect(await sendTo(sink, new TestBatch(THREE))).to.deep.equal(DELIVERED)
    expect([got('a').length, got('b').length]).to.deep.equal([1, 3])
    expect(new Set(scene.at('b').got.map(({ id }) => id))).to.deep.equal(new Set(['abc-1.1']))
  })

  it('joins the answers event by event: missing in one is missing, refused by one is refused', async () => {
    scene.at('a').answers.push({ outcome: 'partial', rejected: [], retryable: [2], reason: 'a' })
    scene.at('b').answers.push({ outcome: 'partial', rejected: [0], retryable: [2], reason: 'b' })
    const first = await sendTo(sink, new TestBatch(THREE))
    expect(first).to.deep.equal({ outcome: 'partial', rejected: [0], retryable: [2], reason: 'b; a' })
  })

  it('remembers what was refused until all have answered', async () => {
    scene.at('a').answers.push({ outcome: 'rejected', reason: 'no' })
    scene.at('b').answers.push(DOWN)
    expect(await sendTo(sink, new TestBatch(THREE))).to.deep.equal(DOWN)
    expect(await sendTo(sink, new TestBatch(THREE))).to.include({ outcome: 'rejected' })
    expect([got('a').length, got('b').length]).to.deep.equal([1, 2])
  })

  it('knows events that come again in a part', async () => {
    scene.at('a').answers.push({ outcome: 'partial', rejected: [], retryable: [1, 2], reason: 'a' })
    scene.at('b').answers.push({ outcome: 'partial', rejected: [], retryable: [0, 1], reason: 'b' })
    expect(await sendTo(sink, new TestBatch(THREE))).to.include({ outcome: 'retryable' })
    expect(await sendTo(sink, new TestBatch([{ msg: 0 }, { msg: 1 }], 'abc-1~00'))).to.deep.equal(DELIVERED)
    expect(await sendTo(sink, new TestBatch([{ msg: 2 }], 'abc-1~01', [2]))).to.deep.equal(DELIVERED)
    expect(got('a')).to.deep.equal([[0, 1, 2], [1], [2]])
    expect(got('b')).to.deep.equal([
      [0, 1, 2],
      [0, 1],
    ])
  })

  it('forgets a batch that is settled, so that another one of its name is sent whole', async () => {
    scene.at('b').answers.push(DOWN)
    await sendTo(sink, new TestBatch(THREE))
    await sendTo(sink, new TestBatch(THREE))
    await sendTo(sink, new TestBatch(THREE))
    expect([got('a').length, got('b').length]).to.deep.equal([2, 3])
  })

  it('lets a batch that one sink refuses for one of its events be divided, and gives the others nothing twice', async () => {
    scene.at('b').answers.push({ outcome: 'rejected', reason: 'one of them', divisible: true })
    const answer = await sendTo(sink, new TestBatch(THREE))
    expect(answer).to.deep.equal({ outcome: 'rejected', reason: 'one of them', divisible: true })
    for (const seq of [0, 1, 2]) {
      expect(await sendTo(sink, new TestBatch([{ msg: seq }], `abc-1~${seq}`, [seq]))).to.deep.equal(DELIVERED)
    }
    expect([got('a'), got('b')]).to.deep.equal([[[0, 1, 2]], [[0, 1, 2], [0], [1], [2]]])
  })
})
