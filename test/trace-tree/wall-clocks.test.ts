import { expect } from 'chai'
import { arrangeTrace } from '../../lib/trace-tree'
import { hlc, id, LogFile, read, TRACE } from '../support/log-file'

const MINUTES = 60_000
const arrange = (...files: Parameters<typeof read>) => arrangeTrace(TRACE, read(...files))
const offsets = (trace: ReturnType<typeof arrange>) =>
  trace.lines.map((line) => [line.msg, Math.round((trace.clocks.timeOf(line) ?? 0) - (trace.startTime ?? 0))])

/* A gateway that calls orders, whose wall clock is `aheadMs` ahead; the clocks of the trace are in causal order. */
function twoServices(aheadMs: number): [LogFile, LogFile] {
  const clock = (step: number) => hlc(Math.max(aheadMs, 0), step)
  const gateway = new LogFile('gateway').log(1, clock(1), id('1'), 'a').log(25, clock(8), id('1'), 'd')
  gateway.end(22, clock(7), id('2'), id('1'), { kind: 'client', durationMs: 20 })
  gateway.end(30, clock(9), id('1'), undefined, { durationMs: 30 })
  const orders = new LogFile('orders', aheadMs).log(9, clock(3), id('3'), 'b').log(11, clock(4), id('3'), 'c')
  orders.end(17, clock(5), id('3'), id('2'), { durationMs: 10 })
  return [gateway, orders]
}

describe('WallClocks', () => {
  for (const aheadMs of [0, 5 * MINUTES, -5 * MINUTES, 3_000, -800]) {
    it(`puts lines at their true offset when a service is ${aheadMs} ms ahead`, () => {
      const trace = arrange(...twoServices(aheadMs))
      expect(offsets(trace)).to.deep.equal([
        ['a', 1],
        ['b', 9],
        ['c', 11],
        ['d', 25],
      ])
      expect(trace.durationMs).to.equal(30)
    })
  }

  it('leaves clocks alone that agree but for a few milliseconds', () => {
    const trace = arrange(...twoServices(2))
    expect(trace.lines.map(({ process }) => trace.clocks.aheadMs(process))).to.deep.equal([0, 0, 0, 0])
  })

  it('moves a process that tells no span ends as far as causal order demands', () => {
    const far = 5 * MINUTES
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').log(9, hlc(far + 5, 1), id('1'), 'c')
    const orders = new LogFile('orders', far).log(5, hlc(far + 5), id('2'), 'b')
    expect(offsets(arrange(gateway, orders))).to.deep.equal([
      ['a', 0],
      ['b', 8],
      ['c', 8],
    ])
    const late = new LogFile('gateway').log(1, hlc(1), id('1'), 'a').log(9, hlc(9), id('1'), 'c')
    const behind = new LogFile('orders', -far).log(5, hlc(1, 1), id('2'), 'b')
    expect(offsets(arrange(late, behind))).to.deep.equal([
      ['a', 0],
      ['b', 0],
      ['c', 8],
    ])
  })
})
