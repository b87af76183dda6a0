import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  close,
  configure,
  fileSink,
  flush,
  getLogger,
  isTracelaneError,
  type LoggingOptions,
  runWithTrace,
  withSpan,
} from 'tracelane'
import { jsonLinesOf, projectRoot, runNode, tempFolder } from '../support'

type Line = Record<string, unknown>

describe('getLogger()', () => {
  let path: string

  function logTo(options: LoggingOptions = {}): void {
    path = join(tempFolder(), 'out.log')
    void configure({ thread: false, sinks: [fileSink({ path })], ...options })
  }

  async function lines(): Promise<Line[]> {
    await flush()
    return jsonLinesOf(path)
  }

  async function said(...args: [unknown, ...unknown[]]): Promise<Line> {
    logTo()
    getLogger('said').info(...args)
    const [line] = await lines()
    return line as Line
  }

  afterEach(async () => {
    await close()
  })

  it('gives the same logger for the same name', () => {
    expect(getLogger('a.b')).to.equal(getLogger('a.b'))
  })

  describe('levels', () => {
    it('are inherited down the dots, and changed for all below at once', async () => {
      logTo({ level: 'warn', levels: { 'app.db': 'debug', 'app.db.pool': 'off' } })
      const names = ['app', 'app.db', 'app.db.query', 'app.db.pool', 'app.dbx']
      for (const name of names) getLogger(name).debug(name)
      for (const name of names) getLogger(name).error(name)
      expect((await lines()).map(({ msg, level }) => `${level} ${msg}`)).to.deep.equal([
        'debug app.db',
        'debug app.db.query',
        'error app',
        'error app.db',
        'error app.db.query',
        'error app.dbx',
      ])
      void configure({ thread: false, level: 'trace', sinks: [fileSink({ path })] })
      expect(names.every((name) => getLogger(name).isEnabled('trace'))).to.equal(true)
    })

    it('default to info', () => {
      logTo()
      expect(getLogger('x').isEnabled('info')).to.equal(true)
      expect(getLogger('x').isEnabled('debug')).to.equal(false)
    })
  })

  describe('arguments', () => {
    const error = new Error('boom')
    const table: readonly (readonly [string, [unknown, ...unknown[]], Line])[] = [
      ['a message alone is never interpreted', ['100% %s'], { msg: '100% %s' }],
      ['fields after the message', ['m', { a: 1 }], { msg: 'm', a: 1 }],
      ['placeholders consume first, fields come last', ['%s has %d', 'cart', 3, { a: 1 }], { msg: 'cart has 3', a: 1 }],
      ['a placeholder may consume an object', ['got %j', { a: 1 }], { msg: 'got {"a":1}' }],
      ['%% is no placeholder', ['100%% of %s', 'x'], { msg: '100% of x' }],
      ['what is left over is appended', ['m', 'x', 7], { msg: 'm x 7' }],
      ['fields first, as pino has it', [{ a: 1 }, 'm %s', 'x'], { msg: 'm x', a: 1 }],
      ['fields alone', [{ a: 1 }], { msg: '', a: 1 }],
      ['a number alone', [5], { msg: '5' }],
      ['undefined alone', [undefined], { msg: 'undefined' }],
      ['fields first win less than fields last', [{ a: 1, b: 1 }, 'm', { a: 2 }], { msg: 'm', a: 2, b: 1 }],
    ]
    for (const [what, args, expected] of table) {
      it(`${what}`, async () => {
        expect(await said(...args)).to.deep.include(expected)
      })
    }

    for (const [what, args, msg] of [
      ['an error alone', [error], 'boom'],
      ['an error, then a message', [error, 'charge failed'], 'charge failed'],
      ['a message, then an error', ['charge failed', error], 'charge failed'],
      ['an error in a field called err', [{ err: error }, 'charge failed'], 'charge failed'],
    ] as const) {
      it(`${what}: the error is err`, async () => {
        const line = await said(...(args as unknown as [unknown, ...unknown[]]))
        expect(line['msg']).to.equal(msg)
        expect(line['err']).to.include({ type: 'Error', message: 'boom', stack: error.stack })
      })
    }

    it('never throw, whatever they are', async () => {
      const hostile = new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap')
          },
          ownKeys: () => {
            throw new Error('trap')
          },
        },
      )
      logTo()
      const log = getLogger('hostile')
      for (const value of [hostile, Object.create(null), () => {}, Symbol('x'), 1n, null, [hostile]]) {
        log.info(value)
        log.info('m %s %o', value, value)
        log.info('m', value)
        log.error(new Error('e'), 'm', value)
      }
      expect(await lines()).to.have.length(28)
    })
  })

  it('is not changed by what happens to an object after the call', async () => {
    logTo()
    const fields = { nested: { n: 1 } }
    getLogger('x').info('m', fields)
    fields.nested.n = 2
    expect((await lines())[0]).to.deep.include({ nested: { n: 1 } })
  })

  it('adds the fields of a child logger, and lets those of the call win', async () => {
    logTo()
    getLogger('x').child({ a: 1, b: 1 }).child({ b: 2 }).info('m', { a: 3 })
    expect((await lines())[0]).to.include({ logger: 'x', a: 3, b: 2 })
  })

  it('keeps the other fields of a child logger when a getter throws', async () => {
    logTo()
    const hostile = {
      a: 3,
      get bad(): never {
        throw new Error('no')
      },
    }
    getLogger('x').child({ a: 1, b: 2 }).info('m', hostile)
    expect((await lines())[0]).to.include({ msg: 'm', a: 3, b: 2, bad: '[getter threw: no]' })
  })

  it('writes one event at the end of each withSpan, with the span above it', async () => {
    logTo()
    runWithTrace(() => {
      withSpan('outer', () => withSpan('inner', () => {}))
      expect(() =>
        withSpan('bad', () => {
          throw new Error('no')
        }),
      ).to.throw('no')
    })
    const [inner, outer, bad] = await lines()
    expect(inner).to.include({
      level: 'info',
      logger: 'tracelane.span',
      parentSpanId: outer?.['spanId'],
      traceId: outer?.['traceId'],
    })
    expect(inner?.['span']).to.include({ kind: 'internal', name: 'inner', outcome: 'ok' })
    expect(bad?.['span']).to.include({ outcome: 'error', error: 'Error: no' })
  })

  it('prints JSON to stdout at info without any configuration', async () => {
    const script = `const log = require('tracelane').getLogger('x'); log.debug('no'); log.info('yes')`
    const { stdout } = await runNode(['-e', script], { cwd: projectRoot })
    expect(JSON.parse(stdout)).to.include({ level: 'info', logger: 'x', msg: 'yes' })
  })
})

describe('configure()', () => {
  afterEach(async () => {
    await close()
  })

  it('drains the sinks of before', async () => {
    const folder = tempFolder()
    const [a, b] = [join(folder, 'a.log'), join(folder, 'b.log')]
    await configure({ sinks: [fileSink({ path: a })] })
    getLogger('x').info('to a')
    const replaced = configure({ sinks: [fileSink({ path: b })] })
    getLogger('x').info('to b')
    expect(await replaced).to.deep.equal({ delivered: 1, discarded: 0, failed: 0, pending: 0 })
    await flush()
    expect([a, b].map((path) => /"msg":"(.*?)"/.exec(readFileSync(path, 'utf8'))?.[1])).to.deep.equal(['to a', 'to b'])
  })

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['an unknown option', { sink: [] }, /configure does not know 'sink': did you mean 'sinks'\? .*ERR_TRACELANE_OPTION_UNKNOWN/],
    ['an unknown level', { level: 'verbose' }, /'level' must be one of .*'debug'/],
    ['a queue that is too small', { queueBytes: 1 }, /'queueBytes' must be an integer from 4096 to/],
    ['no sinks', { sinks: [] }, /'sinks' must be a list of sinks/],
    ['something else than an object', 'x', /configure takes an object of options/],
  ]
  for (const [what, options, message] of wrong) {
    it(`refuses ${what} with the cure, and changes nothing`, () => {
      const before = getLogger('x').isEnabled('debug')
      let thrown: unknown
      try {
        void configure(options as LoggingOptions)
      } catch (error) {
        thrown = error
      }
      expect(isTracelaneError(thrown)).to.equal(true)
      expect((thrown as Error).message).to.match(message)
      expect(getLogger('x').isEnabled('debug')).to.equal(before)
    })
  }

  it('refuses a file sink without a path', () => {
    expect(() => fileSink({} as { path: string })).to.throw(/fileSink needs 'path': a text that is not empty/)
  })

  for (const setUp of ['configure();', ''])
    it(`takes level and service from the environment, ${setUp === '' ? 'without' : 'with'} configure()`, async () => {
      const script = `const { configure, getLogger } = require('tracelane'); ${setUp} getLogger('x').debug('m')`
      const env = { TRACELANE_LEVEL: 'DEBUG', TRACELANE_SERVICE: 'from-env' }
      const { stdout } = await runNode(['-e', script], { cwd: projectRoot, env })
      expect(JSON.parse(stdout)).to.include({ level: 'debug', service: 'from-env' })
    })

  it('refuses a level of the environment that does not exist; without configure() it says so and goes on', async () => {
    const env = { TRACELANE_LEVEL: 'loud' }
    const script = (setUp: string) => `const { configure, getLogger } = require('tracelane'); ${setUp} getLogger('x').info('m')`
    const refused = await runNode(['-e', script('configure();')], { cwd: projectRoot, env })
    expect(refused.code).to.equal(1)
    expect(refused.stderr).to.match(/TRACELANE_LEVEL must be one of all, trace, debug/)
    const told = await runNode(['-e', script('')], { cwd: projectRoot, env })
    expect(told.code).to.equal(0)
    expect(JSON.parse(told.stdout)).to.include({ level: 'info', msg: 'm' })
    expect(told.stderr).to.match(/^tracelane: .*TRACELANE_LEVEL must be one of/)
  })
})
