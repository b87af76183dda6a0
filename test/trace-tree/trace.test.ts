import { expect } from 'chai'
import { arrangeTrace, parseTraceId, traceDocument } from '../../lib/trace-tree'
import { hlc, id, LogFile, read, T0, TRACE } from '../support/log-file'

describe('parseTraceId()', () => {
  it('takes an id in any case, and a whole traceparent', () => {
    expect(parseTraceId(` ${TRACE.toUpperCase()} `)).to.equal(TRACE)
    expect(parseTraceId(`00-${TRACE}-${id('1')}-01`)).to.equal(TRACE)
  })

  for (const text of ['', 'xyz', '0'.repeat(32), TRACE.slice(1), `${TRACE}0`, `${TRACE}\n${TRACE}`]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseTraceId(text))
        .to.throw()
        .with.property('code', 'ERR_TRACELANE_TRACE_ID_INVALID')
    })
  }
})

describe('traceDocument()', () => {
  it('has the tree of spans, and the lines in causal order', () => {
    const gateway = new LogFile('gateway').log(1, hlc(1), id('1'), 'a', { level: 'warn', orderId: 'o-1' })
    gateway.end(9, hlc(9), id('1'), id('f'), { name: 'GET /', status: 200, durationMs: 9.5 })
    const orders = new LogFile('orders').log(3, hlc(3), id('3'), 'b')
    const file = (index: number) => `${'ab'[index]}.log`
    expect(traceDocument(arrangeTrace(TRACE, read(orders, gateway)))).to.deep.equal({
      traceId: TRACE,
      services: ['gateway', 'orders'],
      startTime: T0 - 0.5,
      durationMs: 9.5,
      spans: [
        {
          ...{ spanId: id('1'), parentSpanId: id('f'), service: 'gateway', finished: true, offsetMs: 0, durationMs: 9.5 },
          ...{ kind: 'server', name: 'GET /', outcome: 'ok', status: 200 },
          children: [{ spanId: id('3'), service: 'orders', finished: false, assumed: true, children: [] }],
        },
      ],
      lines: [
        {
          ...{ offsetMs: 1.5, time: T0 + 1, level: 'warn', service: 'gateway', msg: 'a', spanId: id('1'), hlc: hlc(1) },
          ...{ fields: { orderId: 'o-1' }, file: file(1) },
        },
        {
          offsetMs: 3.5,
          time: T0 + 3,
          level: 'info',
          service: 'orders',
          msg: 'b',
          spanId: id('3'),
          hlc: hlc(3),
          fields: {},
          file: file(0),
        },
      ],
    })
  })

  it('says nothing about time if no line tells any', () => {
    const document = traceDocument(arrangeTrace(TRACE, read([`text ${TRACE}`])))
    expect(document).to.deep.equal({
      ...{ traceId: TRACE, services: ['a'], durationMs: 0, spans: [] },
      lines: [{ service: 'a', msg: `text ${TRACE}`, fields: {}, file: 'a.log' }],
    })
  })
})
