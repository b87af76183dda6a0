import { expect } from 'chai'
import type { AsyncAppenderOptions } from '../../lib/appender'
import { Destination, Subject } from './destination'

describe('the bounds of a queue', () => {
  const open: Subject[] = []

  function stuck(options: AsyncAppenderOptions): Subject {
    const subject = new Subject(new Destination(false), { appendTimeoutMs: 0, maxFlushTimeMs: 0, ...options })
    open.push(subject)
    return subject
  }

  afterEach(async () => {
    for (const { appender } of open.splice(0)) await appender.close()
  })

  /* How many of `count` events of a level are taken by a queue that nobody empties. */
  function takenOf(count: number, level: 'info' | 'warn', options: AsyncAppenderOptions): number {
    const subject = stuck(options)
    for (let i = 0; i < count; i++) subject.append('m', level)
    return subject.taken
  }

  for (const thread of [true, false]) {
    describe(thread ? 'with a flush thread' : 'without a thread', () => {
      it('queueSize 256: discards info when fewer than 51 places are free, as logback: once 206 wait', () => {
        expect(takenOf(300, 'info', { thread, queueSize: 256 })).to.equal(206)
      })

      it('queueSize 256: takes 256 of level warn', () => {
        expect(takenOf(300, 'warn', { thread, queueSize: 256 })).to.equal(256)
      })

      it('queueSize 1: holds one event of any level, because a fifth of one is none', () => {
        expect(takenOf(3, 'info', { thread, queueSize: 1 })).to.equal(1)
        expect(takenOf(3, 'warn', { thread, queueSize: 1 })).to.equal(1)
      })

      it('queueSize 1: takes the next event when the one before is written', async () => {
        const destination = new Destination()
        const subject = new Subject(destination, { thread, queueSize: 1 })
        for (let i = 0; i < 20; i++) {
          subject.append(`${i}`)
          await subject.appender.flush()
        }
        await subject.appender.close()
        expect(destination.lines().map(({ msg }) => msg)).to.deep.equal(Array.from({ length: 20 }, (_, i) => `${i}`))
      })

      it('queueSize 100,000: takes 80,001 of level info and 100,000 of level warn', () => {
        const options = { thread, queueSize: 100_000, queueBytes: 64 * 2 ** 20 }
        expect(takenOf(100_100, 'info', options)).to.equal(80_001)
        expect(takenOf(100_100, 'warn', options)).to.equal(100_000)
      })

      it('queueSize counts lines outside of the ring too', () => {
        const subject = stuck({ thread, queueSize: 3, queueBytes: 65_536, discardingThreshold: 0 })
        for (let i = 0; i < 3; i++) subject.append('m', 'warn')
        subject.append('x'.repeat(40_000), 'warn')
        expect(subject.taken).to.equal(3)
      })
    })
  }

  it('queueBytes: what waits never takes more, and nothing is let in that does not fit', () => {
    for (const queueBytes of [4096, 5000, 65_536]) {
      const subject = stuck({ queueBytes, thread: false })
      for (let i = 0; i < 3000; i++) {
        const unit = ['x', 'é', '€', '😀'][i % 4] as string
        subject.append(unit.repeat((i * 7919) % 700), i % 3 === 0 ? 'error' : 'debug')
        expect(subject.ledger.queuedBytes).to.be.at.most(queueBytes)
      }
      expect(subject.ledger.discarded, 'forfeited').to.not.have.property('full')
      expect(subject.ledger.highWaterBytes).to.be.at.most(queueBytes)
    }
  })

  it('discardingThreshold 0: info is let in as long as there is room', () => {
    expect(takenOf(300, 'info', { queueSize: 256, discardingThreshold: 0 })).to.equal(256)
  })

  it('discardingThreshold 1: info is let into an empty queue only', () => {
    expect(takenOf(300, 'info', { queueSize: 256, discardingThreshold: 1 })).to.equal(1)
  })

  it('discardingThreshold counts the nearer of the two bounds', () => {
    const byBytes = stuck({ queueSize: 256, queueBytes: 4096 })
    for (let i = 0; i < 300; i++) byBytes.append('m')
    expect(byBytes.taken).to.be.lessThan(30)
    expect(byBytes.ledger.queuedBytes).to.be.within(4096 * 0.8 - 300, 4096 * 0.8 + 300)
    expect(byBytes.ledger.discarded).to.deep.equal({ threshold: { info: 300 - byBytes.taken } })
  })
})
