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
    const evil = 'a\u001b[2Jb\r\nc\u009b'
    const text = textOf({
      msg: evil,
      logger: evil,
      fields: { [evil]: evil },
      err: Object.assign(new Error(evil), { stack: evil }),
    })
    expect(text).to.contain('a\\x1b[2Jb\\x0d\\x0ac\\x9b')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
    expect(text.replaceAll('\n', '')).not.to.match(/[\u0000-\u001f\u007f-\u009f]/)
  })

  it('colours on request only', () => {
    const colored = prettyLayout({ service: undefined }, true)
    expect(colored(captureEvent(undefined, { level: 'warn', logger: 'x', msg: 'm' }), 1)).to.contain('\u001b[33mWARN \u001b[0m')
  })
})
