import { status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { outcomeOfCode, spanName, statusText } from '../../../interceptors/grpc/status'

describe('outcomeOfCode()', () => {
  const outcomes = {
    ok: [
      ...['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED'],
      ...['FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNAUTHENTICATED'],
    ],
    aborted: ['CANCELLED'],
    error: ['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
  } as const

  for (const [outcome, names] of Object.entries(outcomes)) {
    for (const name of names) {
      it(`calls ${name} ${outcome}`, () => expect(outcomeOfCode(status[name])).to.equal(outcome))
    }
  }

  it('decides on every code of gRPC', () => {
    const codes = Object.values(status).filter((code) => typeof code === 'number')
    expect(Object.values(outcomes).flat()).to.have.lengthOf(codes.length)
  })

  for (const code of [-1, 17, 1.5, Number.NaN]) {
    it(`calls ${code}, which gRPC does not have, error`, () => expect(outcomeOfCode(code)).to.equal('error'))
  }
})

describe('statusText()', () => {
  it('is name and details, as far as there are any', () => {
    expect(statusText('INTERNAL', 'no luck')).to.equal('INTERNAL: no luck')
    expect(statusText('INTERNAL', '')).to.equal('INTERNAL')
    expect(statusText(undefined, 7)).to.equal('a code that gRPC does not have')
  })

  it('ends after 512 characters', () => {
    expect(statusText('INTERNAL', 'x'.repeat(5000))).to.have.lengthOf(512)
  })
})

describe('spanName()', () => {
  it('is the path without its first slash', () => {
    expect(spanName('/shop.Stock/Reserve')).to.equal('shop.Stock/Reserve')
    expect(spanName('odd')).to.equal('odd')
  })
})
