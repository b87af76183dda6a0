import { expect } from 'chai'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureLine, instance, type Marks, marked } from '../../lib/event'
import { jsonLayout } from '../../lib/layout'
import { lineCompleter } from '../../lib/layout/line-completer'
import { compileRedaction, type Redaction } from '../../lib/redaction'

describe('lineCompleter()', () => {
  function completed(line: string, ordering = true, hlc?: string, redaction: Redaction = true): string {
    const said = { level: 'info', logger: 'l', msg: '', line, hlc, read: () => ({ fields: undefined, err: undefined }) } as const
    return runWithTrace(() => {
      mdc.put('tenant', 't"1')
      const event = captureLine(currentScope(), said)
      const text = lineCompleter(compileRedaction(redaction), ordering)(event, line, 7)
      return text
        .replaceAll(event.traceId as string, 'T')
        .replaceAll(event.spanId as string, 'S')
        .replaceAll(event.hlc, 'H')
        .replaceAll(instance(), 'I')
    })
  }

  const ORDER = ',"hlc":"H","seq":7,"instance":"I"}\n'
  const IDS = '"traceId":"T","spanId":"S"'
  const TENANT = '"tenant":"t\\"1"'

  it('adds MDC, ids and order at the end, and without ordering no order', () => {
    expect(completed('{"a":1}')).to.equal(`{"a":1,${TENANT},${IDS}${ORDER}`)
    expect(completed('{"a":1}', false)).to.equal(`{"a":1,${TENANT},${IDS}}\n`)
  })

  it('makes an object without members one with members', () => {
    expect(completed('{}')).to.equal(`{${TENANT},${IDS}${ORDER}`)
  })

  it('leaves an MDC key out only if the outermost object has it', () => {
    for (const own of ['{"tenant":1}', '{"a":"x","tenant":1}', '{"a":[{"tenant":2}],"tenant":1}', '{"a":"\\"{","tenant":1}']) {
      expect(completed(own), own).to.equal(`${own.slice(0, -1)},${IDS}${ORDER}`)
    }
    for (const other of [
      '{"a":{"tenant":1}}',
      '{"a":[{"tenant":2}]}',
      '{"a":"\\"tenant\\":1"}',
      '{"a":"\\\\","b":{"tenant":1}}',
    ]) {
      expect(completed(other), other).to.equal(`${other.slice(0, -1)},${TENANT},${IDS}${ORDER}`)
    }
  })

  it('adds only the rest to a line that has the clock of the event, and with it ids and MDC', () => {
    const clock = '01a1fc48799c0000'
    expect(completed(`{"hlc":"${clock}"}`, true, clock)).to.equal('{"hlc":"H","seq":7,"instance":"I"}\n')
    expect(completed(`{"hlc":"${clock}"}`, false, clock)).to.equal('{"hlc":"H"}\n')
    expect(completed(`{"a":{"hlc":"${clock}"}}`, true, clock)).to.equal(`{"a":{"hlc":"H"},${TENANT},${IDS}${ORDER}`)
  })

  it('says of a line that it is one of many, or that it was kept until its trace failed', () => {
    const said = {
      level: 'info',
      logger: 'l',
      msg: '',
      hlc: undefined,
      read: () => ({ fields: undefined, err: undefined }),
    } as const
    const marks = (line: string, of: Marks): string => {
      const event = marked(captureLine(undefined, { ...said, line }), of)
      return jsonLayout({ service: undefined }, false)(event, 7)
    }
    expect(marks('{"a":1}', { rate: 0.25 })).to.equal('{"a":1,"rate":0.25}\n')
    expect(marks('{}', { replayed: true })).to.equal('{"replayed":true}\n')
  })

  it('takes secrets out of the line and of the MDC', () => {
    const added = `,${IDS}${ORDER}`
    expect(completed('{"a":{"password":"p"},"tenant":0}')).to.equal(`{"a":{"password":"[redacted]"},"tenant":0${added}`)
    const keys = { keys: ['tenant'] }
    expect(completed('{"a":1}', true, undefined, keys)).to.equal(`{"a":1,"tenant":"[redacted]"${added}`)
    expect(completed('{"a":1}', true, undefined, { ...keys, mode: 'remove' })).to.equal(`{"a":1${added}`)
  })
})
