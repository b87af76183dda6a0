import { expect } from 'chai'
import { Prepared } from '../../lib/sinks/prepared'
import { sinkBatch } from '../support'

describe('Prepared', () => {
  const batch = sinkBatch('{}\n')

  it('makes what was begun once, and what was not when it is asked for, each before it returns', async () => {
    const made: string[] = []
    const prepared = new Prepared(async ({ id }) => made.push(id))
    prepared.begin(batch)
    expect(made).to.deep.equal(['abc-1'])
    expect(await Promise.all([prepared.of(batch), prepared.of(batch)])).to.deep.equal([1, 1])
    const other = prepared.of(sinkBatch('{}\n', 'abc-2'))
    expect(made).to.deep.equal(['abc-1', 'abc-2'])
    expect(await other).to.equal(2)
  })

  it('tells what went wrong to whoever sends the batch, not to whoever begins it', async () => {
    const prepared = new Prepared<never>(() => {
      throw new Error('no')
    })
    prepared.begin(batch)
    // Nobody has heard of it yet, and that is no unhandled rejection.
    await new Promise((resolve) => setImmediate(resolve))
    expect(await prepared.of(batch).catch((error: Error) => error.message)).to.equal('no')
  })

  it('makes again what went wrong, at the next try', async () => {
    let tries = 0
    const prepared = new Prepared(async () => {
      if (++tries === 1) throw new Error('no memory')
      return 'made'
    })
    prepared.begin(batch)
    expect(await prepared.of(batch).catch((error: Error) => error.message)).to.equal('no memory')
    expect(await prepared.of(batch)).to.equal('made')
  })
})
