import { expect } from 'chai'
import fc from 'fast-check'
import { captureEvent, type Statement } from '../../lib/event'
import { createLayout } from '../../lib/layout'
import { readLine, readLines } from '../../lib/trace-tree'
import { id, T0, TRACE } from '../support/log-file'

const source = { file: 'logs/orders.log', index: 0, offset: 0 }
const read = (line: unknown) => readLine(typeof line === 'string' ? line : JSON.stringify(line), TRACE, source)

describe('readLine()', () => {
  it('reads a line of ours, and keeps the fields that are not ours', () => {
    const line = read({
      ...{ time: T0, level: 'warn', logger: 'orders.api', msg: 'slow', service: 'orders', pid: 7, instance: 'ab'.repeat(8) },
      ...{ traceId: TRACE, spanId: id('1'), hlc: id('2'), seq: 4, orderId: 'o-1', nested: { a: 1 } },
    })
    expect(line).to.deep.include({ time: T0, level: 'warn', logger: 'orders.api', msg: 'slow', service: 'orders' })
    expect(line).to.deep.include({ spanId: id('1'), hlc: id('2'), seq: 4, instance: 'ab'.repeat(8) })
    expect(line?.fields).to.deep.equal({ orderId: 'o-1', nested: { a: 1 } })
  })

  const levels = [
    [10, 'trace'],
    [20, 'debug'],
    [30, 'info'],
    [35, 'info'],
    [40, 'warn'],
    [50, 'error'],
    [60, 'fatal'],
    [70, 'fatal'],
    ['verbose', 'debug'],
    ['silly', 'trace'],
    ['WARNING', 'warn'],
    ['\u001b[32minfo\u001b[39m', 'info'],
    ['crit', 'fatal'],
    ['constructor', undefined],
    [-1, undefined],
    [null, undefined],
  ] as const
  for (const [level, expected] of levels) {
    it(`reads level ${JSON.stringify(level)} as ${expected}`, () => {
      expect(read({ level, traceId: TRACE })?.level).to.equal(expected)
    })
  }

  it('reads a pino line: numeric level, time in milliseconds, the name as service, err', () => {
    const err = { type: 'TypeError', message: 'no', stack: 'TypeError: no\n    at x' }
    const line = read({ level: 50, time: T0, pid: 1, hostname: 'h', name: 'orders', traceId: TRACE, msg: 'failed', err })
    expect(line).to.deep.include({
      level: 'error',
      time: T0,
      service: 'orders',
      msg: 'failed',
      err,
      process: 'orders#h#1',
      fields: {},
    })
  })

  it('keeps `name` as a field where `service` names the service', () => {
    const line = read({ service: 'orders', name: 'Ann', traceId: TRACE })
    expect(line).to.deep.include({ service: 'orders', fields: { name: 'Ann' } })
  })

  it('reads a winston line: message, timestamp, and a stack beside the message', () => {
    const stack = 'RangeError: too many\n    at reserve (/app/stock.mjs:4:2)'
    const timestamp = new Date(T0).toISOString()
    const line = read({ level: 'http', message: 'failed', timestamp, stack, service: 'stock', traceId: TRACE })
    const err = { type: 'RangeError', message: 'too many', stack }
    expect(line).to.deep.include({ level: 'debug', time: T0, msg: 'failed', service: 'stock', err, fields: {} })
  })

  it('reads OpenTelemetry names', () => {
    const line = read({
      timestamp: T0,
      severity_text: 'ERROR',
      body: 'no',
      trace_id: TRACE,
      span_id: id('1'),
      trace_flags: '01',
      'service.name': 's',
    })
    expect(line).to.deep.include({ time: T0, level: 'error', msg: 'no', spanId: id('1'), service: 's', fields: {} })
    expect(read({ severityNumber: 14, trace_id: TRACE })?.level).to.equal('warn')
  })

  it('reads ECS names, flat and nested', () => {
    const time = new Date(T0).toISOString()
    const flat = {
      '@timestamp': time,
      'log.level': 'warn',
      message: 'm',
      'trace.id': TRACE,
      'span.id': id('1'),
      'service.name': 's',
      'log.logger': 'l',
    }
    const nested = {
      '@timestamp': time,
      log: { level: 'warn', logger: 'l' },
      message: 'm',
      trace: { id: TRACE },
      span: { id: id('1') },
      service: { name: 's' },
    }
    const expected = { time: T0, level: 'warn', msg: 'm', spanId: id('1'), service: 's', logger: 'l', fields: {} }
    expect(read(flat)).to.deep.include(expected)
    expect(read(nested)).to.deep.include(expected)
  })

  it('reads the end of a span', () => {
    const span = { kind: 'client', name: 'GET /x', outcome: 'error', durationMs: 1.5, status: 500, peer: 'h:1', error: 'boom' }
    const line = read({ traceId: TRACE, spanId: id('1'), parentSpanId: id('2'), logger: 'tracelane.span', msg: 'm', span })
    expect(line).to.deep.include({ parentSpanId: id('2'), span })
  })

  it('takes a field called span that is no end of a span for a field', () => {
    const line = read({ traceId: TRACE, spanId: id('1'), span: { name: 'of a bridge', durationMs: 'x' } })
    expect(line?.span).to.equal(undefined)
    expect(line?.fields).to.deep.equal({ span: { name: 'of a bridge', durationMs: 'x' } })
  })

  it('leaves out a line of another trace that only mentions the id', () => {
    expect(read({ traceId: '1'.repeat(32), msg: `caused by ${TRACE}` })).to.equal(undefined)
    expect(read({ msg: `about ${TRACE}` })?.msg).to.equal(`about ${TRACE}`)
  })

  it('finds JSON behind the prefix of a container tool', () => {
    expect(read(`orders-1  | ${JSON.stringify({ traceId: TRACE, msg: 'hello' })}`)?.msg).to.equal('hello')
  })

  it('keeps plain text, with the time and the level that it begins with', () => {
    const line = read(`${new Date(T0).toISOString()} ERROR [${TRACE}] it broke`)
    expect(line).to.deep.include({ time: T0, level: 'error', service: 'orders', spanId: undefined })
    expect(line?.msg).to.match(/it broke$/)
  })

  for (const torn of [`{"traceId":"${TRACE}","msg":"half`, `["${TRACE}"]`, `"${TRACE}"`, `{{${TRACE}}}`, `\u0000${TRACE}`]) {
    it(`keeps as text what is no line: ${JSON.stringify(torn).slice(0, 12)}`, () => {
      expect(read(torn)?.msg).to.contain(TRACE)
    })
  }

  for (const time of [-1, 0, 2 ** 48, 'soon', '+020000-01-01T00:00:00Z', '1960-01-01T00:00:00Z']) {
    it(`does not believe the time ${time}`, () => {
      expect(read({ traceId: TRACE, time, msg: 'm' })?.time).to.equal(undefined)
    })
  }

  it('takes nothing from fields of the wrong type', () => {
    const wrong = {
      time: {},
      level: {},
      logger: 1,
      msg: 2,
      service: 3,
      spanId: 'XYZ',
      hlc: 'no',
      seq: 1.5,
      err: 'text',
      instance: 5,
    }
    const line = read({ traceId: TRACE, ...wrong })
    expect(line).to.include({ time: undefined, level: undefined, msg: '', spanId: undefined, hlc: undefined, seq: undefined })
    expect(line).to.include({ service: 'orders', err: undefined })
    expect(line?.fields).to.include({ err: 'text' })
  })
})

describe('lines of the ecs and otel layouts', () => {
  const served = { kind: 'server', name: 'GET /orders/7', outcome: 'ok', durationMs: 12.5, status: 200, method: 'GET' }
  const ids = { traceId: TRACE, spanId: id('1') }

  function linesBy(layout: 'json' | 'ecs' | 'otel', said: Statement): ReturnType<typeof readLines> {
    const write = createLayout(layout, { service: 'shop' }, { ordering: true, terminal: false })
    const event = { ...captureEvent(undefined, said), ...ids, hlc: id('2'), time: T0 }
    return readLines(write(event, 4).trimEnd(), TRACE, source)
  }

  for (const layout of ['ecs', 'otel'] as const) {
    it(`${layout} says all that json says`, () => {
      const err = Object.assign(new TypeError('no'), { stack: 'TypeError: no\n    at place (/app/a.js:1:2)' })
      const said: Statement = { level: 'warn', logger: 'orders.api', msg: 'slow', fields: { orderId: 'o-1' }, err }
      const [ours] = linesBy('json', said)
      const [line, ...more] = linesBy(layout, said)
      expect(more).to.deep.equal([])
      const stack = 'TypeError: no\n\tat place (/app/a.js:1:2)'
      expect(line).to.deep.equal({ ...ours, err: { type: 'TypeError', message: 'no', stack } })
    })

    it(`${layout} says how a span ended`, () => {
      const fields = { parentSpanId: id('9'), span: served }
      const said: Statement = { level: 'info', logger: 'tracelane.span', msg: 'GET /orders/7 200 12.5 ms', fields }
      expect(linesBy(layout, said)).to.deep.equal(linesBy('json', said))
    })
  }

  it('reads every record of the trace in a line of the OpenTelemetry Collector, and no other', () => {
    const said = { timeUnixNano: `${T0}000000`, severityNumber: 9 }
    const record = (traceId: string, text: string) => ({ ...said, traceId, body: { stringValue: text } })
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
    const logRecords = [record(TRACE, 'a'), record('f'.repeat(32), 'b'), record(TRACE, 'c')]
    const line = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'x' }, logRecords }] }] })
    const found = readLines(line, TRACE, source)
    expect(found.map(({ msg, service, logger, level, time }) => [msg, service, logger, level, time])).to.deep.equal([
      ['a', 'shop', 'x', 'info', T0],
      ['c', 'shop', 'x', 'info', T0],
    ])
  })

  it('survives OTLP of any shape', () => {
    const names = ['resourceLogs', 'resource', 'scopeLogs', 'logRecords', 'attributes', 'key', 'value', 'arrayValue', 'values']
    const shape = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue({ maxDepth: 4 }),
        fc.array(tie('node'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 3 }),
      ),
    })).node
    fc.assert(
      fc.property(shape, (inner) => {
        readLines(JSON.stringify({ resourceLogs: [inner, { scopeLogs: inner }] }), TRACE, source)
      }),
    )
  })
})
