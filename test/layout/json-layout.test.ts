import { expect } from 'chai'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureEvent, instance, type Statement } from '../../lib/event'
import { jsonLayout } from '../../lib/layout'

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
})
