import { expect } from 'chai'
import fc from 'fast-check'
import { checkSampling, Sampler } from '../../lib/filter'
import { thresholdOf } from '../../lib/filter/sampling'
import { event } from './support'

const traceIds = fc.stringMatching(/^[0-9a-f]{32}$/)

function isKept(rate: number, traceId: string): boolean {
  return new Sampler({ rate }).rateFor(event({ traceId })) > 0
}

describe('Sampler', () => {
  it("has OpenTelemetry's thresholds", () => {
    // th:0, th:8, th:c, th:e, th:ff of the specification, with the zeros at their end
    const thresholds = [1, 1 / 2, 1 / 4, 1 / 8, 1 / 256, 2 ** -56].map(thresholdOf)
    expect(thresholds).to.deep.equal(['0', '8', 'c', 'e', 'ff', 'ffffffffffffff'].map((digits) => digits.padEnd(14, '0')))
    expect(thresholdOf(0)).to.equal(undefined)
  })

  it('keeps a trace whose last 56 bits reach the threshold, whatever stands before them', () => {
    for (const first of ['0', 'f']) {
      expect(isKept(1 / 2, `${first.repeat(18)}80000000000000`)).to.equal(true)
      expect(isKept(1 / 2, `${first.repeat(18)}7fffffffffffff`)).to.equal(false)
    }
  })

  it('agrees with the comparison of the specification as numbers', () => {
    fc.assert(
      fc.property(traceIds, fc.double({ min: 0, max: 1, noNaN: true }), (traceId, rate) => {
        const random = BigInt(`0x${traceId.slice(18)}`)
        const threshold = 2n ** 56n - BigInt(Math.round(rate * 2 ** 56))
        expect(isKept(rate, traceId)).to.equal(random >= threshold)
      }),
    )
  })

  it('keeps at a higher rate what it keeps at a lower one', () => {
    fc.assert(
      fc.property(
        traceIds,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (id, a, b) => {
          if (isKept(Math.min(a, b), id)) expect(isKept(Math.max(a, b), id)).to.equal(true)
        },
      ),
    )
  })

  it('keeps its share of random ids', () => {
    const sampler = new Sampler({ rate: 0.1 })
    let kept = 0
    for (let i = 0; i < 100_000; i++) {
      const random = Math.floor(Math.random() * 2 ** 52).toString(16)
      if (sampler.rateFor(event({ traceId: `${'0'.repeat(18)}${random.padStart(13, '0')}0` })) > 0) kept++
    }
    // Ten standard deviations
    expect(kept).to.be.within(9_000, 11_000)
  })

  it('says at which rate a line was kept', () => {
    expect(new Sampler({ rate: 0.25 }).rateFor(event({ traceId: 'f'.repeat(32) }))).to.equal(0.25)
    expect(new Sampler({ rate: 0.25 }).rateFor(event({ traceId: '1'.repeat(32) }))).to.equal(0)
  })

  it('keeps all of level warn and above, and all outside any trace', () => {
    const sampler = new Sampler({ rate: 0 })
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
    const traceId = 'f'.repeat(32)
    expect(levels.map((level) => sampler.rateFor(event({ level, traceId })))).to.deep.equal([0, 0, 0, 1, 1, 1])
    expect(sampler.rateFor(event())).to.equal(1)
  })

  it('has rates by logger, which pass down', () => {
    const sampler = new Sampler({ rate: 1, loggers: { 'app.db': 0, 'app.db.audit': 1, toString: 0 } })
    const traceId = 'f'.repeat(32)
    const rates = ['app', 'app.db', 'app.db.pool', 'app.db.audit.x', 'app.dbx', 'constructor'].map((logger) =>
      sampler.rateFor(event({ logger, traceId })),
    )
    expect(rates).to.deep.equal([1, 0, 0, 1, 1, 1])
  })

  it('refuses wrong options', () => {
    expect(() => checkSampling('sampling', {})).to.throw(/sampling needs 'rate'/)
    expect(() => checkSampling('sampling', { rate: 10 })).to.throw(/'rate' must be a number from 0 to 1, not 10/)
    expect(() => checkSampling('sampling', { rate: Number.NaN })).to.throw(/'rate' must be a number from 0 to 1/)
    expect(() => checkSampling('sampling', { rate: 1, loggers: { a: 2 } })).to.throw(/'loggers' must be an object/)
  })
})
