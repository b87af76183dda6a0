import { expect } from 'chai'
import { PartitionWatch } from '../../../lib/consume/kafka/partition-watch'
import { until } from '../../support'

/* A client that says so often how many partitions there are, or fails. */
function readerOf(counts: readonly (number | 'fails')[]) {
  let asked = 0
  return {
    asked: () => asked,
    async metadata() {
      const count = counts[Math.min(asked++, counts.length - 1)]
      if (count === 'fails') throw new Error('nobody answers')
      const partitions = Array.from({ length: count as number }, () => ({ leader: 0 }))
      return { topics: new Map([['logs', { id: 'x', partitions }]]) }
    },
  }
}

describe('PartitionWatch', () => {
  let watch: PartitionWatch

  afterEach(() => watch.stop())

  it('says how many there are, and later that there are more, whatever fails in between', async () => {
    watch = new PartitionWatch(readerOf([4, 4, 'fails', 6]), 'logs')
    const heard: number[] = []
    expect(await watch.start(1, (count) => heard.push(count))).to.equal(4)
    await until('six', () => heard.length > 0)
    expect(heard[0]).to.equal(6)
  })

  it('says nothing of as many, and asks no more when it is stopped, be it before the first answer', async () => {
    const reader = readerOf([4])
    watch = new PartitionWatch(reader, 'logs')
    const heard: number[] = []
    await watch.start(1, (count) => heard.push(count))
    await until('some answers', () => reader.asked() > 3)
    watch.stop()
    expect(heard).to.deep.equal([])
    const stopped = new PartitionWatch(reader, 'logs')
    const started = stopped.start(1, (count) => heard.push(count))
    stopped.stop()
    await started
    // A timer that is left would be told of by the hooks of this suite.
  })

  it('rejects when it cannot know how many there are', async () => {
    watch = new PartitionWatch(readerOf(['fails']), 'logs')
    const failure = await watch.start(1, () => {}).catch((error: Error) => error)
    expect((failure as Error).message).to.equal('nobody answers')
  })
})
