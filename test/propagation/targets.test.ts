import { expect } from 'chai'
import { configurePropagation, counters, type Targets } from 'tracelane'
import { resolveTargets } from '../../lib/propagation'

describe('targets', () => {
  const table: readonly (readonly [Targets, readonly string[], readonly string[]])[] = [
    [
      ['orders.internal'],
      ['orders.internal:80', 'ORDERS.internal:443', 'orders.internal.:80', 'orders.internal'],
      ['x.orders.internal:80', 'orders.internal.evil.com:80', 'evil-orders.internal:80', 'ordersxinternal:80'],
    ],
    [['orders.internal:8080'], ['orders.internal:8080'], ['orders.internal:80', 'orders.internal', 'orders.internal:18080']],
    [
      ['*.internal'],
      ['a.internal:80', 'b.a.internal:80'],
      ['internal:80', '.internal:80', 'evilinternal:80', 'a.internal.com:80'],
    ],
    [['*.internal:443'], ['a.internal:443'], ['a.internal:80']],
    [['*'], ['anything:1', '[::1]:80', 'unix:/run/app.sock'], []],
    [
      ['[::1]', '127.0.0.1:80'],
      ['[::1]:80', '127.0.0.1:80'],
      ['[::2]:80', '127.0.0.1:81', '127.0.0.11:80'],
    ],
    [[/[a-z]+\.internal/], ['a.internal:80', 'A.INTERNAL:80'], ['a.internal.evil.com:80', 'x-a.internal:80', '1.internal:80']],
    [[/a|b/gy], ['a:1', 'b:1', 'a:1'], ['ab:1', 'ax:1', 'xb:1']],
    [(host) => host === 'a:80', ['a:80'], ['a:81']],
    [[], [], ['a:80', '']],
  ]
  for (const [targets, told, untold] of table) {
    it(`${typeof targets === 'function' ? 'as a function' : `[${targets.join(', ')}]`} let the right hosts through`, () => {
      const mayTell = resolveTargets(targets)
      expect(told.filter((host) => mayTell?.(host) !== true)).to.deep.equal([])
      expect(untold.filter((host) => mayTell?.(host) !== false)).to.deep.equal([])
    })
  }

  it('as a function that throws, or does not say true, let nobody through', () => {
    const { userCallbackErrors } = counters
    const throwing = resolveTargets(() => {
      throw new Error('mine')
    })
    expect(throwing?.('a:80')).to.equal(false)
    expect(resolveTargets((async () => true) as unknown as Targets)?.('a:80')).to.equal(false)
    expect(counters.userCallbackErrors - userCallbackErrors).to.equal(1)
  })

  it('refuse what is no pattern of a host', () => {
    for (const wrong of ['orders.internal', ['http://orders'], ['a/b'], [''], ['a:b'], ['a.*'], [7], {}]) {
      expect(() => configurePropagation({ targets: wrong as Targets }), JSON.stringify(wrong)).to.throw(
        /'targets' must be a list/,
      )
    }
  })
})
