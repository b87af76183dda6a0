import { expect } from 'chai'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureEvent, instance, type Statement } from '../../lib/event'
import { ecsLayout } from '../../lib/layout'
import { ecsRules } from '../vectors'

const SAID: Statement = { level: 'info', logger: 'a.b', msg: 'hello' }
const withOrdering = ecsLayout({ service: 'orders' }, true)

function textOf(said: Partial<Statement> = {}, layout = withOrdering): string {
  return layout(captureEvent(currentScope(), { ...SAID, ...said }), 7)
}

function lineOf(said: Partial<Statement> = {}, layout = withOrdering): Record<string, unknown> {
  return JSON.parse(textOf(said, layout)) as Record<string, unknown>
}

/* The value of a dotted name, flat or nested. */
function valueAt(line: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(line, name)) return line[name]
  const nested = (value: unknown, part: string): unknown => (value as Record<string, unknown> | undefined)?.[part]
  return name.split('.').reduce(nested, line)
}

const failure = Object.assign(new TypeError('no order', { cause: new Error('refused') }), { code: 'E_ORDER' })
const events: Readonly<Record<string, Partial<Statement>>> = {
  'a plain event': {},
  'an event with fields': { fields: { orderId: 42, 'a.b*c\\d': true, cart: { items: [1] } } },
  'an error': { level: 'error', err: failure },
  'something thrown that is no error': { level: 'error', err: 'text' },
  'the end of a span': {
    logger: 'tracelane.span',
    fields: { parentSpanId: 'b'.repeat(16), span: { kind: 'server', name: 'GET /x', outcome: 'ok', durationMs: 1, status: 200 } },
  },
}

describe('ecsLayout()', () => {
  for (const [what, said] of Object.entries(events)) {
    for (const { name, type, required, index, flat } of ecsRules().fields) {
      it(`keeps the rule of ecs-logging for ${name} in ${what}`, () => {
        const line = runWithTrace(() => lineOf(said))
        const value = valueAt(line, name)
        if (value === undefined) expect(required, `${name} is required`).to.equal(false)
        else if (type === 'datetime') expect(value).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
        else expect(value).to.be.a(type)
        if (index !== undefined) expect(Object.keys(line)[index]).to.equal(name)
        if (flat) expect(line).to.have.property(name)
      })
    }
  }

  it('writes one line of JSON', () => {
    expect(textOf({ msg: 'a\nb', fields: { 'c\nd': 'e\nf' } })).to.match(/^[^\n]+\n$/)
  })

  it('names logger, service, process and host, and the ids of the trace', () => {
    runWithTrace(() => {
      const { context } = currentScope() ?? {}
      expect(lineOf()).to.include({
        'log.logger': 'a.b',
        'service.name': 'orders',
        'event.dataset': 'orders.log',
        'process.pid': process.pid,
        'trace.id': context?.traceId,
        'span.id': context?.spanId,
      })
    })
    expect(lineOf({}, ecsLayout({ service: undefined }, true))).not.to.have.any.keys('service.name', 'event.dataset', 'trace.id')
  })

  it('has what orders lines under tracelane, where it is wanted', () => {
    expect(lineOf()).to.include({ 'tracelane.instance': instance(), 'tracelane.seq': 7 }).and.have.property('tracelane.hlc')
    expect(Object.keys(lineOf({}, ecsLayout({ service: 'x' }, false))).join(' ')).not.to.contain('tracelane')
  })

  it('writes an error with its code, its stack and those of its causes', () => {
    const { error } = lineOf({ err: failure }) as { error: Record<string, string> }
    expect(error).to.include({ type: 'TypeError', message: 'no order', code: 'E_ORDER' })
    expect(error['stack_trace']).to.match(/^TypeError: no order\n\tat .*\n[\s\S]*\nCaused by: Error: refused\n\tat /)
  })

  it('puts what is no field of ECS under labels, as texts, with keys that Elasticsearch does not take for nesting', () => {
    runWithTrace(() => {
      mdc.put('tenant.id', 7)
      const fields = { orderId: 42, 'a.b': 1, a_b: 2, big: 10n, at: new Date(0), cart: { items: [1] }, list: [1], no: null }
      expect(lineOf({ fields })['labels']).to.deep.equal({
        ...{ tenant_id: '7', orderId: '42', a_b: '1', a_b_: '2', big: '10', at: '1970-01-01T00:00:00.000Z' },
        ...{ cart: '{"items":[1]}', list: '[1]', no: 'null' },
      })
    })
  })

  it('leaves fields of ECS as they are', () => {
    const fields = { 'event.action': 'login', 'url.query': 'q', http: { request: { id: 'r-1' } }, tags: ['a'], user: { id: '7' } }
    expect(lineOf({ fields })).to.deep.include(fields)
    expect(lineOf({ fields })).not.to.have.property('labels')
  })

  it('lets no field take the place of one of the line', () => {
    const names = ['@timestamp', 'log.level', 'message', 'ecs.version', 'log.logger', 'service.name', 'event.dataset', 'error']
    const more = ['host.hostname', 'process.pid', 'trace.id', 'span.id', 'trace', 'log', 'tracelane.seq', 'labels', '__proto__']
    const forged = Object.fromEntries([...names, ...more].map((name) => [name, 'forged']))
    const text = runWithTrace(() => textOf({ fields: { ...forged, ['__proto__']: 'forged' }, err: new Error('real') }))
    const top = JSON.parse(text) as Record<string, unknown>
    expect(Object.entries(top).filter(([, value]) => value === 'forged')).to.deep.equal([])
    expect(new Set([...text.matchAll(/[{,]"((?:[^"\\]|\\.)+)":/g)].map(([, key]) => key)).size).to.be.above(20)
    expect(top['error']).to.include({ message: 'real' })
  })

  it('maps user and task of withTask', () => {
    const line = lineOf({ fields: { user: 'ann', task: 'import-7' } })
    expect(line).to.include({ 'user.name': 'ann', 'tracelane.task': 'import-7' }).and.not.have.property('labels')
  })

  it('maps an access event to http, url and event', () => {
    const span = {
      ...{ kind: 'server', name: 'GET /orders/7', outcome: 'error', durationMs: 12.5, status: 503, method: 'GET' },
      ...{ route: '/orders/:id', bytesSent: 285, error: 'boom' },
    }
    const line = lineOf({ logger: 'tracelane.span', fields: { parentSpanId: 'b'.repeat(16), span } })
    expect(line).to.deep.include({
      ...{ 'event.duration': 12_500_000, 'event.outcome': 'failure', 'http.request.method': 'GET', 'url.path': '/orders/7' },
      ...{ 'http.response.status_code': 503, 'http.response.bytes': 285, 'parent.id': 'b'.repeat(16), 'tracelane.span': span },
      error: { message: 'boom' },
    })
    expect(line).not.to.have.property('labels')
  })

  it('tells whom a client called, and takes a gRPC status for none of HTTP', () => {
    const span = { kind: 'client', name: 'shop.Stock/Reserve', outcome: 'ok', durationMs: 1, status: 5, peer: '[::1]:5001' }
    const line = lineOf({ logger: 'tracelane.span', fields: { span } })
    expect(line).to.include({ 'server.address': '[::1]', 'server.port': 5001, 'event.outcome': 'success' })
    expect(line).not.to.have.any.keys('http.response.status_code', 'url.path')
  })

  it('says where in the source the call was, if the event knows', () => {
    const event = { ...captureEvent(undefined, SAID), caller: { file: '/app/a.js', line: 7, function: 'place' } }
    expect(withOrdering(event, 1)).not.to.contain('log.origin')
    expect(JSON.parse(ecsLayout({ service: undefined, caller: true }, true)(event, 1))).to.include({
      ...{ 'log.origin.file.name': '/app/a.js', 'log.origin.file.line': 7, 'log.origin.function': 'place' },
    })
  })
})
