import { expect } from 'chai'
import { orderLines } from '../../lib/trace-tree'
import { hlc, id, LogFile, read, T0, TRACE } from '../support/log-file'

const MINUTES = 60_000
const messages = (...files: Parameters<typeof read>) => orderLines(read(...files)).map(({ msg }) => msg)

describe('orderLines()', () => {
  it('orders by the hybrid logical clock when a service is five minutes ahead', () => {
    const gateway = new LogFile('gateway').log(0, hlc(0), id('1'), '1 in').log(9, hlc(5 * MINUTES + 4, 2), id('1'), '4 out')
    const orders = new LogFile('orders', 5 * MINUTES)
    orders.log(3, hlc(5 * MINUTES + 3), id('2'), '2 received').log(4, hlc(5 * MINUTES + 4), id('2'), '3 stored')
    expect(messages(orders, gateway)).to.deep.equal(['1 in', '2 received', '3 stored', '4 out'])
  })

  it('orders by the clock when a service is five minutes behind', () => {
    const gateway = new LogFile('gateway').log(0, hlc(0), id('1'), '1 in').log(9, hlc(9), id('1'), '4 out')
    const orders = new LogFile('orders', -5 * MINUTES)
    orders.log(3, hlc(0, 2), id('2'), '2 received').log(4, hlc(0, 3), id('2'), '3 stored')
    expect(messages(gateway, orders)).to.deep.equal(['1 in', '2 received', '3 stored', '4 out'])
  })

  it('shows an event that was delivered twice once', () => {
    const more = { instance: id('a'), seq: 7 }
    const first = new LogFile('s').log(1, hlc(1), id('1'), 'once', more).log(1, hlc(1), id('1'), 'once', more)
    const other = new LogFile('s').log(1, hlc(1), id('1'), 'once', more).log(2, hlc(2), id('1'), 'twice', { ...more, seq: 8 })
    expect(messages(first, other)).to.deep.equal(['once', 'twice'])
  })

  it('keeps equal lines that have no identity, and the same seq of another instance', () => {
    const file = new LogFile('s').log(1, hlc(1), id('1'), 'same').log(1, hlc(1), id('1'), 'same')
    file
      .log(2, hlc(2), id('1'), 'a', { instance: id('a'), seq: 1 })
      .log(2, hlc(2, 1), id('1'), 'b', { instance: id('b'), seq: 1 })
    expect(messages(file)).to.deep.equal(['same', 'same', 'a', 'b'])
  })

  it('puts a line without a clock right after the previous line of its file', () => {
    const a = new LogFile('a').log(0, hlc(0), id('1'), '1').log(1, undefined, id('1'), '2').log(9, hlc(9), id('1'), '5')
    const b = new LogFile('b').log(3, hlc(3), id('2'), '3')
    b.lines.push(`text of ${TRACE}`)
    expect(messages(b, a)).to.deep.equal(['1', '2', '3', `text of ${TRACE}`, '5'])
  })

  it('places the lines of a file without clocks by their time, never before the previous line of the file', () => {
    const a = new LogFile('a').log(0, hlc(0), id('1'), '1').log(5, hlc(5), id('1'), '4')
    const b = new LogFile('b').log(2, undefined, id('2'), '2').log(1, undefined, id('2'), '3').log(7, undefined, id('2'), '5')
    expect(messages(a, b)).to.deep.equal(['1', '2', '3', '4', '5'])
  })

  it('does not let a line without a clock pass the first line of its file that has one', () => {
    const a = new LogFile('a').log(1, hlc(1), id('1'), '1').log(9, hlc(9), id('1'), '4')
    const b = new LogFile('b').log(5 * MINUTES, undefined, id('2'), '2').log(5 * MINUTES, hlc(5), id('2'), '3')
    expect(messages(a, b)).to.deep.equal(['1', '2', '3', '4'])
  })

  it('puts text that has neither clock nor time before the next line of its file, and last without one', () => {
    const a = new LogFile('a').log(1, hlc(1), id('1'), '1').log(5, hlc(5), id('1'), '4')
    const before = [`before ${TRACE}`, ...new LogFile('b').log(3, hlc(3), id('2'), '3').lines]
    expect(messages([`alone ${TRACE}`], a, before)).to.deep.equal(['1', `before ${TRACE}`, '3', '4', `alone ${TRACE}`])
  })

  it('keeps the order of files and positions for equal clocks', () => {
    const a = new LogFile('a').log(1, hlc(1), id('1'), 'a1').log(1, hlc(1), id('1'), 'a2')
    const b = new LogFile('b').log(1, hlc(1), id('2'), 'b1')
    expect(messages(a, b)).to.deep.equal(['a1', 'a2', 'b1'])
  })

  it('reads the time of plain text as a place', () => {
    const a = new LogFile('a').log(0, hlc(0), id('1'), '1').log(5, hlc(5), id('1'), '3')
    const text = `${new Date(T0 + 2).toISOString()} INFO ${TRACE} 2`
    expect(messages(a, [text])).to.deep.equal(['1', text, '3'])
  })
})
