import { expect } from 'chai'
import { buildTree, orderLines, type TreeItem } from '../../lib/trace-tree'
import { hlc, id, LogFile, read, TRACE } from '../support/log-file'

/* A tree in brackets: `1[a b 2[c]]` is span 1 with lines a and b and then span 2; `~` unfinished, `?` assumed. */
function shape(items: readonly TreeItem[]): string {
  const texts = items.map((item) => {
    if ('line' in item) return item.line.msg
    const { spanId, assumed, end, items: inside } = item.span
    return `${spanId.slice(0, 1)}${end === undefined ? '~' : ''}${assumed ? '?' : ''}[${shape(inside)}]`
  })
  return texts.join(' ')
}

const tree = (...files: Parameters<typeof read>) => shape(buildTree(orderLines(read(...files))))

describe('buildTree()', () => {
  it('nests spans under the parents that they name, with the lines at their causal place', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').log(8, hlc(8), id('1'), 'd')
    gateway
      .end(7, hlc(7), id('2'), id('1'), { kind: 'client', durationMs: 5 })
      .end(9, hlc(9), id('1'), undefined, { durationMs: 9 })
    const orders = new LogFile('orders').log(3, hlc(3), id('3'), 'b').log(4, hlc(4), id('3'), 'c')
    orders.end(5, hlc(5), id('3'), id('2'), { durationMs: 2 })
    expect(tree(orders, gateway)).to.equal('1[a 2[3[b c]] d]')
  })

  it('begins a call to a service whose log is missing where the caller made it, not where it ended', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'before').log(10, hlc(10), id('1'), 'meanwhile')
    gateway.end(20, hlc(20), id('2'), id('1'), { kind: 'client', durationMs: 15 }).log(21, hlc(21), id('1'), 'after')
    gateway.end(22, hlc(22), id('1'), undefined, { durationMs: 22 })
    expect(tree(gateway)).to.equal('1[before 2[] meanwhile after]')
  })

  it('shows the lines of a span whose process was killed, as unfinished and with an assumed parent', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').log(6, hlc(6), id('1'), 'c')
    gateway.end(5, hlc(5), id('2'), id('1'), { kind: 'client', outcome: 'error', durationMs: 3 })
    gateway.end(7, hlc(7), id('1'), undefined, { durationMs: 7 })
    const orders = new LogFile('orders').log(3, hlc(3), id('3'), 'b')
    expect(tree(gateway, orders)).to.equal('1[a 3~?[b] 2[] c]')
  })

  it('assumes the span of the last line before it from another process when the named parent is in no file', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a')
    const stock = new LogFile('stock').log(3, hlc(3), id('3'), 'b').end(4, hlc(4), id('3'), id('9'), { durationMs: 1 })
    gateway.log(5, hlc(5), id('1'), 'c').end(6, hlc(6), id('1'), id('8'), { durationMs: 6 })
    expect(tree(gateway, stock)).to.equal('1[a 3?[b] c]')
  })

  it('does not put a span under one that had ended before', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').end(2, hlc(2), id('1'), id('8'), { durationMs: 2 })
    const stock = new LogFile('stock').log(30, hlc(30), id('3'), 'b').end(31, hlc(31), id('3'), id('9'), { durationMs: 1 })
    expect(tree(gateway, stock)).to.equal('1[a] 3[b]')
  })

  it('keeps two requests of one outside caller as two roots', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').log(2, hlc(2), id('2'), 'b')
    gateway.end(3, hlc(3), id('1'), id('8'), { durationMs: 2 }).end(4, hlc(4), id('2'), id('8'), { durationMs: 2 })
    expect(tree(gateway)).to.equal('1[a] 2[b]')
  })

  it('puts an inner span without an end under the open span of its process', () => {
    const job = new LogFile('job').log(1, hlc(1), id('1'), 'a').log(2, hlc(2), id('2'), 'b')
    expect(tree(job)).to.equal('1~[a 2~?[b]]')
  })

  it('gives a line that names no span to the span of the line before it in its file', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').end(9, hlc(9), id('1'), undefined, { durationMs: 9 })
    const orders = new LogFile('orders').log(3, hlc(3), id('3'), 'b')
    orders.lines.push(`text ${TRACE}`)
    orders.end(4, hlc(4), id('3'), id('1'), { durationMs: 2 })
    expect(tree(gateway, orders)).to.equal(`1[a 3[b text ${TRACE}]]`)
  })

  it('is a list of lines if no line names a span', () => {
    expect(tree([`x ${TRACE}`, `y ${TRACE}`])).to.equal(`x ${TRACE} y ${TRACE}`)
  })

  it('survives spans that are their own ancestors', () => {
    const hostile = new LogFile('s').log(1, hlc(1), id('1'), 'a')
    hostile.end(2, hlc(2), id('1'), id('2'), {}).end(3, hlc(3), id('2'), id('1'), {}).end(4, hlc(4), id('3'), id('3'), {})
    const text = tree(hostile)
    for (const part of ['1', '2', '3', 'a']) expect(text).to.contain(part)
  })

  it('survives ten thousand spans, each inside the one before', () => {
    const deep = new LogFile('s')
    const name = (n: number) => n.toString(16).padStart(16, '0')
    for (let i = 1; i <= 10_000; i++) deep.end(i, hlc(i), name(i), i === 1 ? undefined : name(i - 1), {})
    const count = (items: readonly TreeItem[]): number =>
      items.reduce((sum, item) => sum + ('span' in item ? 1 + count(item.span.items) : 0), 0)
    expect(count(buildTree(orderLines(read(deep))))).to.equal(10_000)
  })
})
