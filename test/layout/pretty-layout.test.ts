import { expect } from 'chai'
import { runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureEvent, type Statement } from '../../lib/event'
import { prettyLayout } from '../../lib/layout'

const layout = prettyLayout({ service: undefined }, false)

function textOf(said: Partial<Statement>): string {
  return layout(captureEvent(currentScope(), { level: 'info', logger: 'a.b', msg: 'hello', ...said }), 1)
}

describe('prettyLayout()', () => {
  it('writes time of day, level, logger, message, fields and the start of the trace id', () => {
    const text = runWithTrace(() => textOf({ fields: { a: 1, b: 'two words', c: { d: 1 } } }))
    expect(text).to.match(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}a\.b hello a=1 b="two words" c=\{"d":1\} \[[0-9a-f]{8}\]\n$/)
  })

  it('writes the stack of an error below, indented', () => {
    const lines = textOf({ err: new Error('boom') }).split('\n')
    expect(lines[1]).to.equal('    Error: boom')
    expect(lines[2]).to.match(/^ {8}at /)
  })

  it('shows control characters of any text as escapes, so that no input can drive the terminal', () => {
    const evil = 'a\u001b[2Jb\r\nc\u009b\u202e'
    const text = textOf({
      msg: evil,
      logger: evil,
      fields: { [evil]: evil },
      err: Object.assign(new Error(evil), { stack: evil }),
    })
    expect(text).to.contain('a\\x1b[2Jb\\r\\nc\\x9b\\u202e')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    expect(text.replaceAll('\n', '')).not.to.match(/[\u0000-\u001f\u007f-\u009f]/)
  })

  it('colours on request only', () => {
    const colored = prettyLayout({ service: undefined }, true)
    expect(colored(captureEvent(undefined, { level: 'warn', logger: 'x', msg: 'm' }), 1)).to.contain('\u001b[33mWARN \u001b[0m')
  })

  it('writes the causes of an error and what Node adds to it, without the frames that they share', () => {
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', port: 5432 })
    const lines = textOf({ err: new TypeError('no order', { cause: refused }) })
      .trimEnd()
      .split('\n')
      .slice(1)
    expect(lines[0]).to.equal('    TypeError: no order')
    const cause = lines.indexOf('    Caused by: Error: refused')
    expect(lines.slice(1, cause).every((line) => line.startsWith('        at '))).to.equal(true)
    expect(lines.at(-1)).to.match(/^ {8}\.\.\. \d+ common frames omitted$/)
    expect(textOf({ err: refused })).to.contain('\n    Error: refused\n        code=ECONNREFUSED port=5432\n        at ')
  })

  it('writes the errors of an AggregateError', () => {
    const text = textOf({ err: new AggregateError([new Error('first'), new Error('second')], 'several') })
    expect(text).to.contain('\n    AggregateError: several\n').and.contain('\n        Suppressed: Error: second\n')
  })

  for (const [traceId, length] of [
    ['short', 8],
    ['full', 32],
    ['none', 0],
  ] as const) {
    it(`shows ${length} digits of the trace id with traceId: ${traceId}`, () => {
      const chosen = prettyLayout({ service: undefined }, false, { traceId })
      const text = runWithTrace(() => chosen(captureEvent(currentScope(), { level: 'info', logger: 'a', msg: 'm' }), 1))
      expect(text).to.match(length === 0 ? / m\n$/ : new RegExp(` m \\[[0-9a-f]{${length}}\\]\\n$`))
    })
  }

  it('has the time of day of a zone', () => {
    const tokyo = prettyLayout({ service: undefined }, false, { timezone: 'Asia/Tokyo' })
    const event = { ...captureEvent(undefined, { level: 'info', logger: 'a', msg: 'm' }), time: 0 }
    expect([tokyo(event, 1).slice(0, 12), layout(event, 1).slice(0, 12)]).to.deep.equal(['09:00:00.000', '00:00:00.000'])
  })

  it('says where the call was, if the event knows', () => {
    const caller = { file: '/a.js', line: 7, function: undefined }
    const event = { ...captureEvent(undefined, { level: 'info', logger: 'a', msg: 'm' }), caller }
    expect(layout(event, 1)).to.match(/ m\n$/)
    expect(prettyLayout({ service: undefined, caller: true }, false)(event, 1)).to.match(/ m \(\/a\.js:7\)\n$/)
  })
})
