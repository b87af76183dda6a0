import { expect } from 'chai'
import { throttling } from 'tracelane'
import type { BatchResult } from '../../../lib/sinks'
import { messagesOf, Scene, sendTo, settled, TestBatch } from './scene'

const DOWN: BatchResult = { outcome: 'retryable', reason: 'down' }

function numbered(from: number, to: number): TestBatch {
  const seqs = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return new TestBatch(
    seqs.map((msg) => ({ msg })),
    `abc-${from}`,
    seqs,
  )
}

describe('throttling()', () => {
  let scene: Scene

  beforeEach(() => {
    scene = new Scene()
  })

  const got = (): unknown[][] => scene.at('a').got.map(({ texts }) => messagesOf(texts))

  describe('that waits', () => {
    it('sends a burst at once, and then as fast as it may', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 2, burst: 2 }))
      const result = sendTo(sink, numbered(1, 5))
      await settled()
      expect(got()).to.deep.equal([[1, 2]])
      await scene.timing.pass(999)
      expect(got()).to.deep.equal([[1, 2]])
      await scene.timing.pass(1)
      expect(got()).to.deep.equal([
        [1, 2],
        [3, 4],
      ])
      await scene.timing.pass(500)
      expect(await result).to.deep.equal({ outcome: 'delivered' })
      expect(got()).to.deep.equal([[1, 2], [3, 4], [5]])
    })

    it('keeps batches in order', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 2 }))
      const results = [sendTo(sink, numbered(1, 3)), sendTo(sink, numbered(4, 4))]
      await scene.timing.pass(10_000)
      await Promise.all(results)
      expect(got().flat()).to.deep.equal([1, 2, 3, 4])
    })

    it('lets nothing overtake what did not get through', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 1000, burst: 2 }))
      scene.at('a').answers.push({ outcome: 'delivered' }, DOWN)
      const result = sendTo(sink, numbered(1, 6))
      await scene.timing.pass(1000)
      expect(await result).to.deep.equal({ outcome: 'partial', rejected: [], retryable: [2, 3, 4, 5], reason: 'down' })
      expect(got()).to.deep.equal([
        [1, 2],
        [3, 4],
      ])
    })

    it('gives back what waits when it is closed', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 0.1 }))
      const result = sendTo(sink, numbered(1, 2))
      await settled()
      await sink.close()
      expect(await result).to.deep.include({ outcome: 'partial', retryable: [1] })
      expect(scene.timing.due()).to.deep.equal([])
    })
  })

  describe('that drops', () => {
    it('leaves out what is over, and tells', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 2, over: 'drop' }))
      expect(await sendTo(sink, numbered(1, 4))).to.deep.include({ rejected: [], retryable: [], filtered: [2, 3] })
      await scene.timing.pass(500)
      expect(await sendTo(sink, numbered(5, 6))).to.deep.include({ filtered: [1] })
      expect(got()).to.deep.equal([[1, 2], [5]])
    })

    it('saves no more than a burst while nothing comes', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 2, burst: 2, over: 'drop' }))
      await scene.timing.pass(60_000)
      await sendTo(sink, numbered(1, 5))
      expect(got()).to.deep.equal([[1, 2]])
    })

    it('always sends what is above its level', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 1, over: 'drop' }))
      await sendTo(sink, new TestBatch([{ msg: 1 }, { msg: 2, level: 'warn' }, { msg: 3 }, { msg: 4, level: 'fatal' }]))
      expect(got()).to.deep.equal([[1, 2, 4]])
    })

    it('charges an event that comes again only once', async () => {
      const sink = scene.open(throttling(scene.spec('a'), { perSecond: 2, burst: 2, over: 'drop' }))
      scene.at('a').answers.push(DOWN, DOWN)
      for (let i = 0; i < 2; i++) {
        const answer = await sendTo(sink, numbered(1, 2))
        expect(answer).to.deep.equal(DOWN)
      }
      expect(await sendTo(sink, numbered(1, 2))).to.deep.equal({ outcome: 'delivered' })
      expect(await sendTo(sink, numbered(3, 3))).to.deep.include({ filtered: [0] })
    })
  })
})
