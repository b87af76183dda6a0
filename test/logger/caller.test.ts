import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Caller, close, configure, fileSink, flush, getLogger } from 'tracelane'
import { captureEvents } from 'tracelane/testing'
import { jsonLinesOf, projectFile, runNode, tempFolder } from '../support'

interface Line {
  readonly msg: string
  readonly caller?: Caller
}

const linesOf = (path: string): Line[] => jsonLinesOf(path)

/* The number of the line of `file` that has `text`. */
const lineOf = (file: string, text: string): number =>
  readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1

describe('caller data', () => {
  afterEach(async () => {
    await close()
  })

  it('is the place of the log call: in functions, methods, child loggers, after await; on the lines that ask for it', async () => {
    const folder = tempFolder()
    const [asking, other] = [join(folder, 'asking.log'), join(folder, 'other.log')]
    const file = projectFile('test/fixtures/caller/calls.cjs')
    const { stderr } = await runNode([file, asking, other])
    expect(stderr).to.equal('')
    const expected = [
      ['top', "info('top')", undefined],
      ['method', "info('method')", 'Cart.checkout'],
      ['child', "warn('child')", undefined],
      ['error', "'error')", 'thrower'],
      ['[arguments threw: trap]', "info('hostile'", undefined],
      ['later', "info('later')", 'later'],
    ] as const
    expect(linesOf(asking).map(({ msg, caller }) => [msg, caller])).to.deep.equal(
      expected.map(([msg, text, name]) => [
        msg,
        { file, line: lineOf(file, text), ...(name === undefined ? {} : { function: name }) },
      ]),
    )
    expect(linesOf(other)).to.have.length(7)
    expect(linesOf(other).every(({ caller }) => caller === undefined)).to.equal(true)
  })

  it('is the place in an ES module too', async () => {
    const path = join(tempFolder(), 'a.log')
    const file = projectFile('test/fixtures/caller/calls.mjs')
    await runNode([file, path])
    const callers = linesOf(path).map(({ caller }) => caller)
    expect(callers).to.deep.equal([
      { file, line: lineOf(file, "info('top')") },
      { file, line: lineOf(file, 'info(one)') },
    ])
  })

  it('is on the lines of sinks, and of appenders that do not say otherwise, when configure asks for it', async () => {
    const folder = tempFolder()
    const pathOf = (name: string): string => join(folder, `${name}.log`)
    const sink = (name: string) => fileSink({ path: pathOf(name) })
    void configure({ thread: false, sinks: [sink('sinks')], caller: true })
    getLogger('x').info('m')
    const appenders = { like: { sink: sink('like') }, not: { sink: sink('not'), caller: false } }
    void configure({ thread: false, caller: true, appenders, root: { appenders: ['like', 'not'] } })
    getLogger('x').info('m')
    await flush()
    const files = Object.fromEntries(['sinks', 'like', 'not'].map((name) => [name, linesOf(pathOf(name))[0]?.caller?.file]))
    expect(files).to.deep.equal({ sinks: __filename, like: __filename, not: undefined })
  })

  it('is not looked for when no appender asks', () => {
    void configure({ thread: false, sinks: [fileSink({ path: join(tempFolder(), 'a.log') })] })
    const captured = captureEvents()
    getLogger('x').info('m')
    captured.restore()
    expect(captured.events[0]).to.have.property('caller', undefined)
  })

  it('leaves stacks, and who formats them, as they were', async () => {
    const path = join(tempFolder(), 'a.log')
    void configure({ appenders: { a: { sink: fileSink({ path }), caller: true } }, root: { appenders: ['a'] }, thread: false })
    const { prepareStackTrace, stackTraceLimit } = Error
    const mine = (): string => 'mine'
    try {
      Error.prepareStackTrace = mine
      Error.stackTraceLimit = 7
      getLogger('x').info('m')
      expect(Error.prepareStackTrace).to.equal(mine)
      expect(Error.stackTraceLimit).to.equal(7)
    } finally {
      Error.prepareStackTrace = prepareStackTrace
      Error.stackTraceLimit = stackTraceLimit
    }
    await flush()
    expect(linesOf(path)[0]?.caller).to.include({ file: __filename })
  })

  it('gives way to nothing that a field called caller says', async () => {
    const path = join(tempFolder(), 'a.log')
    void configure({ appenders: { a: { sink: fileSink({ path }), caller: true } }, root: { appenders: ['a'] }, thread: false })
    getLogger('x').info('m', { caller: { file: 'forged' } })
    await flush()
    const [line] = linesOf(path) as (Line & { readonly _caller?: unknown })[]
    expect(line?.caller?.file).to.equal(__filename)
    expect(line?._caller).to.deep.equal({ file: 'forged' })
  })
})
