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

describe('the others of parseTraceState()', () => {
  const ours = `tl=${clock}`
  const same: Readonly<Record<string, string>> = {
    'none of ours': 'a=1,b=2',
    'ours first': `${ours},a=1,b=2`,
    'ours in the middle': `a=1,${ours},b=2`,
    'ours last': `a=1,b=2,${ours}`,
    'white space around members': `a=1 ,\tb=2`,
    'white space behind ours': `${ours} , a=1,b=2`,
    'white space before ours': ` ${ours},a=1,b=2`,
    'empty members': `,a=1,,b=2,`,
    'an empty member at the end': 'a=1,b=2,',
    'an empty member before ours': `,${ours},a=1,b=2`,
    'an empty member behind ours': `${ours},,a=1,b=2`,
  }
  for (const [what, header] of Object.entries(same)) {
    it(`are the same with ${what}`, () => {
      expect(parseTraceState(header)).to.deep.equal({ others: 'a=1,b=2', clock: header.includes(ours) ? clock : undefined })
    })
  }

  it('are none if ours is alone, whatever its value', () => {
    for (const value of [clock, 'g'.repeat(16), 'x']) {
      expect(parseTraceState(`tl=${value}`)).to.deep.equal({ others: '', clock: value })
    }
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
