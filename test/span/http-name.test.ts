import { expect } from 'chai'
import { httpSpanName } from '../../lib/span'

describe('httpSpanName()', () => {
  for (const [target, path] of [
    ['/orders/7?secret=1', '/orders/7'],
    ['/orders/7#part', '/orders/7'],
    ['/?a=/b', '/'],
    ['//host/path?x', '//host/path'],
    ['https://ann:secret@shop.example:8443/orders?token=1#x', '/orders'],
    ['http://shop.example', '/'],
    ['*', '*'],
    ['', '/'],
    ['?secret', '/'],
  ] as const) {
    it(`of '${target}' is 'GET ${path}'`, () => {
      expect(httpSpanName('GET', target)).to.equal(`GET ${path}`)
    })
  }

  it('has at most 256 characters', () => {
    expect(httpSpanName('GET', `/${'x'.repeat(9000)}`)).to.have.length(256)
  })
})
