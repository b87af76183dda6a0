import { expect } from 'chai'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureEvent, instance, type Statement } from '../../lib/event'
import { createLayout, jsonLayout } from '../../lib/layout'

const SAID: Statement = { level: 'info', logger: 'a.b', msg: 'hello' }
const withOrdering = jsonLayout({ service: 'orders' }, true)

function lineOf(said: Statement, layout = withOrdering): Record<string, unknown> {
  const line = layout(captureEvent(currentScope(), said), 7)
  expect(line).to.match(/^[^\n]+\n$/)
  return JSON.parse(line) as Record<string, unknown>
}

describe('jsonLayout()', () => {
  it('writes the fields of docs/reference/log-event.md in this order', () => {
    const keys = runWithTrace(() => Object.keys(lineOf({ ...SAID, err: new Error('x'), fields: { mine: 1 } })))
    expect(keys.join(' ')).to.equal('time level logger msg service host pid instance traceId spanId hlc seq err mine')
  })

  it('leaves out trace fields outside any trace, and ordering fields where they are not wanted', () => {
    expect(lineOf(SAID)).to.include({ instance: instance(), seq: 7 }).and.not.have.any.keys('traceId', 'spanId', 'err')
    expect(lineOf(SAID, jsonLayout({ service: undefined }, false))).not.to.have.any.keys('hlc', 'seq', 'instance', 'service')
  })

  it('writes MDC fields, and lets a field of the call win', () => {
    runWithTrace(() => {
      mdc.put('a', 1)
      mdc.put('b', 1)
      expect(lineOf({ ...SAID, fields: { b: 2 } })).to.include({ a: 1, b: 2 })
    })
  })

  it('renames a field that would take the place of one of the event', () => {
    const fields = {
      time: 'x',
      level: 9,
      msg: {},
      traceId: 'forged',
      seq: -1,
      user: 'ann',
      task: { id: 1 },
      err: 'text',
      caller: 'text',
    }
    const line = runWithTrace(() => lineOf({ ...SAID, fields, err: new Error('real') }))
    expect(line).to.deep.include({ _time: 'x', _level: 9, _msg: {}, _traceId: 'forged', _seq: -1, _user: 'ann', _err: 'text' })
    expect(line).to.deep.include({ level: 'info', msg: 'hello', seq: 7, task: { id: 1 }, caller: 'text' })
    expect(line['err']).to.include({ message: 'real' })
  })

  it('says in their place why fields cannot be read, and writes the rest', () => {
    const throwing = (): never => {
      throw new Error('token=abc123')
    }
    const fields = { a: 'text', b: 1 }
    const hostile = {
      ownKeys: new Proxy(fields, { ownKeys: throwing }),
      getOwnPropertyDescriptor: new Proxy(fields, { getOwnPropertyDescriptor: throwing }),
      revoked: (() => {
        const { proxy, revoke } = Proxy.revocable(fields, {})
        revoke()
        return proxy
      })(),
    }
    for (const layout of [
      withOrdering,
      createLayout((event) => JSON.stringify(event), { service: 'x' }, { ordering: true, terminal: false }),
    ]) {
      for (const [what, one] of Object.entries(hostile)) {
        runWithTrace(() => {
          mdc.put('tenant', 't1')
          const line = lineOf({ ...SAID, fields: one }, layout)
          expect(JSON.stringify(line), what).to.include('t1').and.include('[threw: ').and.not.include('abc123')
        })
      }
    }
  })

  it('writes each key once, whatever the fields are called', () => {
    const names = [
      'time',
      'level',
      'logger',
      'msg',
      'service',
      'host',
      'pid',
      'thread',
      'instance',
      'traceId',
      'spanId',
      'hlc',
      'seq',
      'err',
    ]
    const fields = Object.fromEntries(names.map((name) => [name, 'forged']))
    const line = runWithTrace(() => withOrdering(captureEvent(currentScope(), { ...SAID, fields }), 1))
    const keys = [...line.matchAll(/[{,]"([^"]+)":/g)].map(([, key]) => key)
    expect(new Set(keys).size).to.equal(keys.length)
  })

  it('keeps a getter that throws from throwing', () => {
    const fields = Object.defineProperty({}, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    expect(lineOf({ ...SAID, fields })).to.include({ bad: '[getter threw: no]' })
  })

  it('writes each of many lines as if it were the only one, whatever they have in common', () => {
    const layout = jsonLayout({ service: undefined }, true)
    const said = (i: number): Statement => ({
      level: i % 3 === 0 ? 'warn' : 'info',
      logger: i % 2 === 0 ? 'a' : 'b"',
      // Constants, and more new ones than are remembered
      msg: i % 5 === 0 ? `order ${i}` : `said "${i % 7}"`,
      fields: [undefined, { user: `u${i}`, n: i / 4 }, { a: 'x', b: 'y"', c: 'z' }, { time: 1, b: 'y' }][i % 4],
    })
    for (let i = 0; i < 2000; i++) {
      const event = runWithTrace(() => {
        if (i % 3 === 0) mdc.put('b', i)
        return captureEvent(i % 11 === 0 ? undefined : currentScope(), said(i))
      })
      for (let again = 0; again < 2; again++) {
        const line = JSON.parse(layout(event, i)) as Record<string, unknown>
        expect(line).to.deep.equal(JSON.parse(jsonLayout({ service: undefined }, true)(event, i)))
        expect(line).to.include({
          level: event.level,
          logger: event.logger,
          msg: event.msg,
          time: event.time,
          hlc: event.hlc,
          seq: i,
        })
        expect(line['traceId']).to.equal(event.traceId)
        expect(line['b']).to.equal(event.fields?.['b'] ?? event.mdc['b'])
      }
    }
  })

  it('takes only what an object has itself', () => {
    const fields = Object.assign(Object.create({ inherited: 1 }) as Record<string, unknown>, { own: 1 })
    expect(lineOf({ ...SAID, fields }))
      .to.include({ own: 1 })
      .and.not.have.any.keys('inherited')
  })

  it('renames a field called caller only where the line has one', () => {
    const caller = { file: '/a.js', line: 1, function: 'f' }
    const said = { ...SAID, caller, fields: { caller: 'text' } }
    const withCaller = jsonLayout({ service: undefined, caller: true }, true)
    expect(lineOf(said, withCaller)).to.deep.include({ caller, _caller: 'text' })
    expect(lineOf(said)).to.include({ caller: 'text' }).and.not.have.any.keys('_caller')
  })
})
