import { expect } from 'chai'
import { newSpanId, newTraceId } from '../../lib/context'

const COUNT = 20_000

describe('newTraceId()', () => {
  it('gives 32 lower hex digits, never the same twice, over many refills of the pool', () => {
    const ids = Array.from({ length: COUNT }, newTraceId)
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{32}$/)
    expect(new Set(ids).size).to.equal(COUNT)
  })

  it('uses all digits at every place', () => {
    const digits = Array.from({ length: 32 }, () => new Set<string>())
    for (let i = 0; i < 2000; i++) [...newTraceId()].forEach((digit, place) => void digits[place]?.add(digit))
    expect(digits.map((seen) => seen.size)).to.deep.equal(digits.map(() => 16))
  })
})

describe('newSpanId()', () => {
  it('gives 16 lower hex digits, never the same twice, and shares none with a trace id', () => {
    const ids = Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? newTraceId().slice(0, 16) : newSpanId()))
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{16}$/)
    expect(new Set(ids).size).to.equal(COUNT)
  })
})
