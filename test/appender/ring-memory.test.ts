import { expect } from 'chai'
import { QueueMemory } from '../../lib/appender/ring'

describe('QueueMemory', () => {
  it('of another isolate counts in the eyes of V8, so that it is collected', () => {
    const { shared } = QueueMemory.create(32 * 2 ** 20)
    const before = process.memoryUsage().external
    const borrowed = QueueMemory.borrowed(shared)
    expect(process.memoryUsage().external - before).to.be.at.least(30 * 2 ** 20)
    expect(borrowed.shared).to.equal(shared)
  })
})
