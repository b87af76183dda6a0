import { expect } from 'chai'
import { formatTraceState, parseTraceState } from '../../lib/propagation'
import { traceContextVectors } from '../vectors'

const { tracestate, formatTracestate, clock } = traceContextVectors()

describe('parseTraceState()', () => {
  for (const vector of tracestate) {
    it(vector.rule, () => {
      const parsed = parseTraceState(vector.headers.join(','))
      expect(parsed).to.deep.equal({ others: vector.others, clock: vector.clock ?? undefined })
    })
  }

  it('is nothing without a header', () => {
    expect(parseTraceState(undefined)).to.deep.equal({ others: '', clock: undefined })
  })
})

describe('formatTraceState()', () => {
  for (const { rule, others, written } of formatTracestate) {
    it(rule, () => {
      expect(formatTraceState(others, clock)).to.equal(written)
      expect(written.length).to.be.at.most(1024)
    })
  }

  it('writes what it can read back', () => {
    for (const { others } of tracestate) {
      if (others.length > 900 || others.split(',').length > 31) continue
      expect(parseTraceState(formatTraceState(others, clock))).to.deep.equal({ others, clock })
    }
  })
})
