import { expect } from 'chai'
import { newSpanId, newTraceId } from '../../lib/context'
import { runNode } from '../support'

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

describe('an id that the CSPRNG would make all zero', () => {
  it('is given to nobody', async () => {
    const { stdout, stderr } = await runNode(['-e', ZEROS_FIRST])
    expect(stderr).to.equal('')
    expect(stdout).to.equal('2 draws, 0 zero\n')
  })
})

/* The first draw of the process has one word of zeros. */
const ZEROS_FIRST = `
  const crypto = require('node:crypto')
  const { randomFillSync } = crypto
  let draws = 0
  crypto.randomFillSync = (bytes) => {
    draws++
    randomFillSync(bytes)
    return draws === 1 ? bytes.fill(0, 4096, 4104) : bytes
  }
  const { runWithTrace, currentTrace } = require('tracelane')
  const ids = Array.from({ length: 300 }, () => runWithTrace(() => currentTrace()))
  const zero = ids.filter(({ traceId, spanId }) => /^0+$/.test(traceId) || /^0+$/.test(spanId))
  console.log(draws + ' draws, ' + zero.length + ' zero')
`

describe('newSpanId()', () => {
  it('gives 16 lower hex digits, never the same twice, and shares none with a trace id', () => {
    const ids = Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? newTraceId().slice(0, 16) : newSpanId()))
    for (const id of ids) expect(id).to.match(/^[0-9a-f]{16}$/)
    expect(new Set(ids).size).to.equal(COUNT)
  })
})
