import { expect } from 'chai'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureEvent, instance, LEVELS, type Statement } from '../../lib/event'
import { otelLayout } from '../../lib/layout'
import { onlyWhenAsked, projectFile, run } from '../support'

const SAID: Statement = { level: 'info', logger: 'a.b', msg: 'hello' }
const withOrdering = otelLayout({ service: 'orders' }, true)

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface LogsData {
  readonly resourceLogs: readonly [
    {
      readonly resource: { readonly attributes: readonly KeyValue[] }
      readonly scopeLogs: readonly [
        { readonly scope: { readonly name: string }; readonly logRecords: readonly [Readonly<Record<string, unknown>>] },
      ]
    },
  ]
}

function lineOf(said: Partial<Statement> = {}, layout = withOrdering): LogsData {
  const line = layout(captureEvent(currentScope(), { ...SAID, ...said }), 7)
  expect(line).to.match(/^[^\n]+\n$/)
  return JSON.parse(line) as LogsData
}

function recordOf(said: Partial<Statement> = {}): Readonly<Record<string, unknown>> {
  return lineOf(said).resourceLogs[0].scopeLogs[0].logRecords[0]
}

function attributesOf(said: Partial<Statement>): Record<string, unknown> {
  const list = recordOf(said)['attributes'] as readonly KeyValue[]
  expect(new Set(list.map(({ key }) => key)).size, 'each key once').to.equal(list.length)
  return Object.fromEntries(list.map(({ key, value }) => [key, value]))
}

describe('otelLayout()', () => {
  it('writes one LogsData message a line: the process is the resource, the logger the scope', () => {
    const line = lineOf()
    expect(Object.keys(line)).to.deep.equal(['resourceLogs'])
    const [{ resource, scopeLogs }] = line.resourceLogs
    const attributes = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value]))
    expect(attributes).to.deep.include({
      'service.name': { stringValue: 'orders' },
      'service.instance.id': { stringValue: instance() },
    })
    expect(attributes).to.deep.include({ 'process.pid': { intValue: String(process.pid) } })
    expect(scopeLogs[0].scope).to.deep.equal({ name: 'a.b' })
  })

  it('writes times in nanoseconds as texts, a body, and ids with their flags', () => {
    runWithTrace(() => {
      const event = captureEvent(currentScope(), SAID)
      const line = JSON.parse(withOrdering(event, 7)) as LogsData
      const nanoseconds = `${event.time}000000`
      expect(line.resourceLogs[0].scopeLogs[0].logRecords[0]).to.deep.include({
        ...{ timeUnixNano: nanoseconds, observedTimeUnixNano: nanoseconds, body: { stringValue: 'hello' } },
        ...{ traceId: event.traceId, spanId: event.spanId, flags: 3 },
      })
    })
    expect(recordOf()).not.to.have.any.keys('traceId', 'spanId', 'flags')
  })

  it('writes the severity of each level by number and name', () => {
    const severities = LEVELS.map((level) => {
      const { severityNumber, severityText } = recordOf({ level })
      return `${severityNumber} ${severityText}`
    })
    expect(severities).to.deep.equal(['1 TRACE', '5 DEBUG', '9 INFO', '13 WARN', '17 ERROR', '21 FATAL'])
  })

  const typed: readonly (readonly [string, unknown, unknown])[] = [
    ['a text', 'x', { stringValue: 'x' }],
    ['an integer', 42, { intValue: '42' }],
    ['zero below zero', -0, { intValue: '0' }],
    ['a number with a fraction', 1.5, { doubleValue: 1.5 }],
    ['an integer that a double cannot count to', 2 ** 60, { doubleValue: 2 ** 60 }],
    ['NaN', Number.NaN, { doubleValue: 'NaN' }],
    ['an infinity', -Infinity, { doubleValue: '-Infinity' }],
    ['a boolean', true, { boolValue: true }],
    ['a BigInt of 64 bits', 2n ** 63n - 1n, { intValue: '9223372036854775807' }],
    ['a larger BigInt', 2n ** 63n, { stringValue: '9223372036854775808' }],
    ['bytes', Buffer.from('abc'), { bytesValue: 'YWJj' }],
    ['null', null, {}],
    ['an array', [1, 'a', null], { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'a' }, {}] } }],
    [
      'an object',
      { a: { b: false } },
      {
        kvlistValue: { values: [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { boolValue: false } }] } } }] },
      },
    ],
    ['a date', new Date(0), { stringValue: '1970-01-01T00:00:00.000Z' }],
  ]
  for (const [what, value, expected] of typed) {
    it(`writes ${what} as a typed value`, () => {
      expect(attributesOf({ fields: { it: value } })['it']).to.deep.equal(expected)
    })
  }

  it('writes MDC and fields as attributes, each key once', () => {
    runWithTrace(() => {
      mdc.put('a', 1)
      mdc.put('b', 1)
      expect(
        attributesOf({ fields: { b: 2, 'tracelane.seq': 'forged', 'exception.type': 'forged' }, err: new Error('x') }),
      ).to.deep.include({
        ...{ a: { intValue: '1' }, b: { intValue: '2' }, 'tracelane.seq': { intValue: '7' } },
        ...{ '_tracelane.seq': { stringValue: 'forged' }, 'exception.type': { stringValue: 'Error' } },
      })
    })
  })

  it('writes an error in the names of the semantic conventions', () => {
    const attributes = attributesOf({ err: new TypeError('no', { cause: new Error('refused') }) })
    expect(attributes).to.deep.include({
      'exception.type': { stringValue: 'TypeError' },
      'exception.message': { stringValue: 'no' },
    })
    const { stringValue } = attributes['exception.stacktrace'] as { stringValue: string }
    expect(stringValue).to.match(/^TypeError: no\n\tat [\s\S]*\nCaused by: Error: refused\n/)
  })

  it('writes an access event in the names of the semantic conventions, beside the span', () => {
    const span = {
      kind: 'server',
      name: 'GET /orders/7',
      outcome: 'ok',
      durationMs: 1,
      status: 200,
      method: 'GET',
      route: '/orders/:id',
    }
    expect(attributesOf({ logger: 'tracelane.span', fields: { span } })).to.deep.include({
      ...{ 'http.request.method': { stringValue: 'GET' }, 'http.route': { stringValue: '/orders/:id' } },
      ...{ 'http.response.status_code': { intValue: '200' }, 'url.path': { stringValue: '/orders/7' } },
    })
  })

  it('says where in the source the call was, where it is wanted', () => {
    const event = { ...captureEvent(undefined, SAID), caller: { file: '/app/a.js', line: 7, function: 'place' } }
    const said =
      '{"key":"code.file.path","value":{"stringValue":"/app/a.js"}},{"key":"code.line.number","value":{"intValue":"7"}}'
    expect(otelLayout({ service: undefined, caller: true }, false)(event, 1)).to.contain(said)
    expect(withOrdering(event, 1)).not.to.contain('code.')
  })

  it('leaves out what orders lines where it is not wanted', () => {
    const text = JSON.stringify(lineOf({}, otelLayout({ service: undefined }, false)))
    for (const name of ['tracelane', 'service.instance.id', 'service.name']) expect(text).not.to.contain(name)
  })

  it('is read by the parser of the OpenTelemetry Collector as it was meant', async function () {
    onlyWhenAsked(this, 'go')
    this.timeout(300_000)
    const o = { a: [1, null, { b: 'c' }] }
    const fields = { n: 1, f: 1.5, nan: Number.NaN, big: 2n ** 60n, yes: true, bytes: Buffer.from('abc'), o, no: null }
    const said = { ...SAID, msg: 'a\nb \u{1f600}', fields, err: new TypeError('no') }
    const event = runWithTrace(() => captureEvent(currentScope(), said))
    const input = withOrdering(event, 7) + withOrdering({ ...event, traceId: undefined }, 8)
    const { code, stdout, stderr } = await run('go', ['run', '.'], { cwd: projectFile('test/otlp'), input, deadlineMs: 280_000 })
    expect(code, stderr).to.equal(0)
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
    expect(first).to.deep.include({
      ...{ scope: 'a.b', body: said.msg, severityNumber: 9, severityText: 'INFO', flags: 3 },
      ...{ traceId: event.traceId, spanId: event.spanId, time: `${event.time}000000`, observed: `${event.time}000000` },
    })
    expect(first?.['resource']).to.include({ 'service.name': 'orders', 'service.instance.id': instance() })
    expect(first?.['attributes']).to.deep.include({
      ...{ n: 1, f: 1.5, nan: 'NaN', big: 2 ** 60, yes: true, bytes: 'YWJj', o, no: null },
      ...{ 'exception.type': 'TypeError', 'tracelane.hlc': event.hlc, 'tracelane.seq': 7 },
    })
    expect(second).to.include({ traceId: '', spanId: '', flags: 0 })
  })
})
