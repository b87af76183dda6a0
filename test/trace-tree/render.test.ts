import { expect } from 'chai'
import { arrangeTrace, colors, noColors, renderTrace } from '../../lib/trace-tree'
import { hlc, id, LogFile, read, TRACE } from '../support/log-file'

const render = (width: number, ...files: Parameters<typeof read>) =>
  renderTrace(arrangeTrace(TRACE, read(...files)), { width, paint: noColors }).slice(2)

describe('renderTrace()', () => {
  it('draws a request through three services', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'checkout begins', { orderId: 'o-7' })
    gateway.end(38, hlc(38), id('2'), id('1'), {
      kind: 'client',
      name: 'POST /orders',
      durationMs: 36,
      status: 409,
      outcome: 'error',
      peer: 'h:1',
    })
    gateway.log(39, hlc(39), id('1'), 'sold out', { level: 'warn' })
    gateway.end(40, hlc(40), id('1'), id('f'), { name: 'POST /checkout', durationMs: 40, status: 409 })
    const orders = new LogFile('orders').log(5, hlc(5), id('3'), 'order received')
    orders.end(29, hlc(29), id('4'), id('3'), {
      kind: 'client',
      name: 'shop.Stock/Reserve',
      durationMs: 23,
      status: 9,
      outcome: 'error',
    })
    const err = { type: 'Error', message: 'no lamp', stack: 'Error: no lamp\n    at a (/app/b.mjs:1:2)\n    at c (node:net:1:2)' }
    orders.log(30, hlc(30), id('3'), 'refused', { level: 'error', err })
    orders.end(31, hlc(31), id('3'), id('2'), { name: 'POST /orders', durationMs: 27, status: 409 })
    const stock = new LogFile('stock').log(9, hlc(9), id('5'), 'counted', { left: 0 })
    expect(render(100, gateway, orders, stock)).to.deep.equal([
      '     +0ms  gateway  ● POST /checkout  409  40.0 ms',
      '     +1ms  gateway  │ info  checkout begins  orderId=o-7',
      '     +2ms  gateway  ├─○ POST /orders → h:1  409  36.0 ms',
      '     +4ms  orders   │ ╰─● POST /orders  409  27.0 ms',
      '     +5ms  orders   │   │ info  order received',
      '     +9ms  stock    │   ├─◌ span 5555555555555555  unfinished  (parent assumed)',
      '     +9ms  stock    │   │ ╰ info  counted  left=0',
      '     +6ms  orders   │   ├─○ shop.Stock/Reserve  FAILED_PRECONDITION  23.0 ms',
      '    +30ms  orders   │   ╰ error refused',
      '                    │           Error: no lamp',
      '                    │             at a (/app/b.mjs:1:2)',
      '    +39ms  gateway  ╰ warn  sold out',
    ])
  })

  it('stays within the width, leaves out fields that do not fit, and counts them', () => {
    const fields = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`field${i}`, `value ${i}`]))
    const rows = render(100, new LogFile('s').log(1, hlc(1), id('1'), 'many', fields))
    expect(rows[1]).to.match(/^ {5}\+0ms {2}s {2}╰ info {2}many {2}field0="value 0" .*\+\d+$/)
    for (const row of rows) expect(row.length).to.be.at.most(100)
  })

  it('shows the fields that only this line has before those that others have too', () => {
    const file = new LogFile('s').log(1, hlc(1), id('1'), 'first', { orderId: 'o-7', item: 'lamp' })
    file.log(2, hlc(2), id('1'), 'second', { orderId: 'o-7', left: 3 })
    const rows = render(100, file)
    expect(rows[1]).to.match(/first {2}item=lamp orderId=o-7$/)
    expect(rows[2]).to.match(/second {2}left=3 orderId=o-7$/)
  })

  it('lets no control character and no escape sequence of a line through', () => {
    const evil = '\u001b[2Jgone\u001b]0;title\u0007\r\n\u0000\u009b31m\u202e'
    const span = { name: evil, peer: evil, error: evil, outcome: 'error', status: evil }
    const file = new LogFile(evil).log(1, hlc(1), id('1'), evil, {
      [evil]: evil,
      err: { type: evil, message: evil, stack: `${evil}\n    at ${evil}` },
    })
    file.end(2, hlc(2), id('1'), undefined, span)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    expect(render(100, file).join('')).to.not.match(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  })

  it('says which clock is wrong', () => {
    const gateway = new LogFile('gateway')
      .log(1, hlc(1), id('1'), 'a')
      .end(9, hlc(180_009), id('1'), undefined, { durationMs: 9 })
    const orders = new LogFile('orders', 180_000)
      .log(5, hlc(180_005), id('2'), 'b')
      .end(6, hlc(180_006), id('2'), id('1'), { durationMs: 2 })
    expect(render(100, gateway, orders).at(-1)).to.equal('The clock of orders is 3m00.0s ahead; the offsets are corrected.')
  })

  it('paints with escape sequences that all end', () => {
    const trace = arrangeTrace(TRACE, read(new LogFile('s').log(1, hlc(1), id('1'), 'a', { level: 'error', x: 1 })))
    for (const row of renderTrace(trace, { width: 100, paint: colors })) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this counts
      const codes = [...row.matchAll(/\u001b\[(\d+)m/g)].map(([, code]) => Number(code))
      expect(codes.length % 2).to.equal(0)
      for (let i = 1; i < codes.length; i += 2) expect([22, 39]).to.include(codes[i])
    }
  })
})
