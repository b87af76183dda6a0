import { expect } from 'chai'
import { failureText, outcomeOfAbort } from '../../lib/span'

describe('failureText()', () => {
  it('names an error and its cause', () => {
    expect(failureText(new TypeError('wrong'))).to.equal('TypeError: wrong')
    const cause = new Error('connect ECONNREFUSED')
    expect(failureText(new Error('fetch failed', { cause }))).to.equal('Error: fetch failed (connect ECONNREFUSED)')
  })

  it('does not say twice what error and cause both say', () => {
    const cause = new Error('socket hang up')
    expect(failureText(new TypeError('socket hang up', { cause }))).to.equal('TypeError: socket hang up')
  })

  it('takes whatever can be thrown, and never throws itself', () => {
    const hostile = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('mine')
      },
    })
    expect([undefined, null, 'text', 7].map(failureText)).to.deep.equal(['undefined', 'null', 'text', '7'])
    for (const value of [Object.create(null), hostile]) expect(failureText(value)).to.equal('a value that cannot be printed')
    expect(failureText(Symbol('s'))).to.equal('Symbol(s)')
  })

  it('has at most 512 characters', () => {
    expect(failureText('x'.repeat(9000))).to.have.length(512)
    expect(failureText(new Error('x'.repeat(9000)))).to.have.length(512)
  })
})

describe('outcomeOfAbort()', () => {
  it('tells a time limit from a cancellation', () => {
    expect(outcomeOfAbort(AbortSignal.abort())).to.equal('aborted')
    expect(outcomeOfAbort(AbortSignal.abort(new Error('mine')))).to.equal('aborted')
    expect(outcomeOfAbort(AbortSignal.abort(new DOMException('late', 'TimeoutError')))).to.equal('error')
    expect(outcomeOfAbort(undefined)).to.equal('aborted')
  })
})
