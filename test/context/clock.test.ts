import { expect } from 'chai'
import fc from 'fast-check'
import { HybridClock, laterClock, MAX_CLOCK_DRIFT_MS } from '../../lib/context'

const NOW = 1_700_000_000_000
const text = (ms: number, counter = 0): string => ms.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0')

describe('HybridClock', () => {
  describe('tick()', () => {
    it('is wall time with counter 0 when time has passed', () => {
      expect(new HybridClock().tick(NOW)).to.equal(text(NOW))
    })

    it('counts when time stands still or runs backwards', () => {
      const clock = new HybridClock()
      expect([clock.tick(NOW), clock.tick(NOW), clock.tick(NOW - 5000), clock.tick(NOW + 1)]).to.deep.equal([
        text(NOW),
        text(NOW, 1),
        text(NOW, 2),
        text(NOW + 1),
      ])
    })

    it('carries into the milliseconds when the counter is full', () => {
      const clock = new HybridClock()
      clock.receive(text(NOW, 0xfffe), NOW)
      expect(clock.toString()).to.equal(text(NOW, 0xffff))
      expect(clock.tick(NOW)).to.equal(text(NOW + 1, 0))
      expect(clock.tick(NOW)).to.equal(text(NOW + 1, 1))
      expect(clock.tick(NOW + 1)).to.equal(text(NOW + 1, 2))
    })

    it('gives 16 lower hex digits from the beginning of time on', () => {
      expect(new HybridClock().tick(0)).to.equal('0000000000000001')
      expect(new HybridClock().tick(0xabc)).to.equal('000000000abc0000')
    })
  })

  describe('send()', () => {
    it('begins with wall time, and then only counts until an event or another clock moves it', () => {
      const clock = new HybridClock()
      const before = Date.now()
      const first = Number.parseInt(clock.send().slice(0, 12), 16)
      expect(first).to.be.within(before, Date.now())
      expect(clock.send()).to.equal(text(first, 1))
      expect(clock.tick(first + 5)).to.equal(text(first + 5))
      const old = new HybridClock()
      old.tick(NOW)
      expect([old.send(), old.send()]).to.deep.equal([text(NOW, 1), text(NOW, 2)])
      clock.receive(text(first + 7, 9), first)
      expect(clock.send()).to.equal(text(first + 7, 11))
    })
  })

  describe('receive()', () => {
    it('takes wall time when it is ahead of both', () => {
      const clock = new HybridClock()
      clock.tick(NOW - 10)
      expect(clock.receive(text(NOW - 5, 7), NOW)).to.equal(true)
      expect(clock.toString()).to.equal(text(NOW))
    })

    it('goes one past the remote when that is ahead', () => {
      const clock = new HybridClock()
      clock.tick(NOW)
      expect(clock.receive(text(NOW + 5, 7), NOW)).to.equal(true)
      expect(clock.toString()).to.equal(text(NOW + 5, 8))
    })

    it('goes one past its own when that is ahead', () => {
      const clock = new HybridClock()
      clock.receive(text(NOW + 9, 3), NOW)
      expect(clock.receive(text(NOW + 5, 7), NOW)).to.equal(true)
      expect(clock.toString()).to.equal(text(NOW + 9, 5))
    })

    it('goes one past the larger counter when the milliseconds are equal', () => {
      for (const [own, remote] of [
        [3, 7],
        [7, 3],
      ] as const) {
        const clock = new HybridClock()
        clock.receive(text(NOW + 9, own - 1), NOW)
        clock.receive(text(NOW + 9, remote), NOW)
        expect(clock.toString()).to.equal(text(NOW + 9, 8))
      }
    })

    it('carries when the counter of the remote is full', () => {
      const clock = new HybridClock()
      clock.receive(text(NOW + 9, 0xffff), NOW)
      expect(clock.toString()).to.equal(text(NOW + 10, 0))
    })

    it('accepts a remote ahead by the maximal drift, refuses one millisecond more, and stays as it was', () => {
      const clock = new HybridClock()
      clock.tick(NOW)
      expect(clock.receive(text(NOW + MAX_CLOCK_DRIFT_MS + 1), NOW)).to.equal(false)
      expect(clock.receive('ffffffffffffffff', NOW)).to.equal(false)
      expect(clock.toString()).to.equal(text(NOW))
      expect(clock.receive(text(NOW + MAX_CLOCK_DRIFT_MS), NOW)).to.equal(true)
      expect(clock.receive(text(NOW + 11), NOW, 10)).to.equal(false)
    })

    it('refuses text that is no clock', () => {
      const clock = new HybridClock()
      const wrong = [
        '',
        '0'.repeat(15),
        '0'.repeat(17),
        'g'.repeat(16),
        'ABCDEF0123456789',
        ` ${'0'.repeat(15)}`,
        `${'0'.repeat(16)}\n`,
        // Its low byte is that of a digit.
        `${'0'.repeat(15)}\u0130`,
      ]
      for (const remote of wrong) expect(clock.receive(remote, NOW), remote).to.equal(false)
      expect(clock.toString()).to.equal('0'.repeat(16))
    })
  })

  it('only moves forward, and past everything that it received, whatever comes', () => {
    const step = fc.record({
      now: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      remote: fc.option(fc.tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.integer({ min: 0, max: 0xffff })), {
        nil: undefined,
      }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const clock = new HybridClock()
        let before = clock.toString()
        for (const { now, remote } of steps) {
          const sent = remote === undefined ? undefined : text(...remote)
          const accepted = sent !== undefined && clock.receive(sent, now)
          if (sent === undefined) clock.tick(now)
          const after = clock.toString()
          expect(after).to.match(/^[0-9a-f]{16}$/)
          if ((accepted || sent === undefined) && before < 'ffffffffffff0000') expect(after > before).to.equal(true)
          if (accepted && after < 'ffffffffffff0000') expect(after > (sent as string)).to.equal(true)
          if (sent !== undefined && !accepted) expect(after).to.equal(before)
          before = after
        }
      }),
      { seed: 20, numRuns: 300 },
    )
  })
})

describe('laterClock()', () => {
  it('gives the larger of two, or the only one', () => {
    expect(laterClock(text(1), text(2))).to.equal(text(2))
    expect(laterClock(text(2, 1), text(2))).to.equal(text(2, 1))
    expect(laterClock(undefined, text(2))).to.equal(text(2))
    expect(laterClock(text(1), undefined)).to.equal(text(1))
    expect(laterClock(undefined, undefined)).to.equal(undefined)
  })
})
