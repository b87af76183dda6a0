import { expect } from 'chai'
import { formatTraceParent, parseTraceParent } from '../../lib/propagation'
import { traceContextVectors } from '../vectors'

const { traceparent, formatTraceparent, traceId, parentId } = traceContextVectors()
const shown = (header: string): string => JSON.stringify(header.length > 80 ? `${header.slice(0, 80)}...` : header)

describe('parseTraceParent()', () => {
  for (const { rule, header, parsed } of traceparent) {
    it(`${parsed === null ? 'refuses' : 'accepts'} ${shown(header)}: ${rule}`, () => {
      expect(parseTraceParent(header)).to.deep.equal(parsed ?? undefined)
    })
  }

  it('refuses a valid value with any one character changed to one that is no lower hex digit', () => {
    const valid = `00-${traceId}-${parentId}-01`
    for (let i = 0; i < valid.length; i++) {
      // The last one has the low byte of the right character.
      const alike = String.fromCharCode(valid.charCodeAt(i) + 0x100)
      for (const char of ['G', ' ', '\0', '\n', '/', ':', '`', 'g', 'é', alike]) {
        const header = valid.slice(0, i) + char + valid.slice(i + 1)
        expect(parseTraceParent(header), shown(header)).to.equal(undefined)
      }
    }
  })
})

describe('formatTraceParent()', () => {
  for (const { rule, flags, written } of formatTraceparent) {
    it(`writes flags ${flags} as ${written.slice(-2)}: ${rule}`, () => {
      expect(formatTraceParent(traceId, parentId, flags)).to.equal(written)
    })
  }
})
