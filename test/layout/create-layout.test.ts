import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  close,
  configure,
  consoleSink,
  fileSink,
  flush,
  getLogger,
  isTracelaneError,
  type LayoutOption,
  type LogEvent,
} from 'tracelane'
import { captureEvent } from '../../lib/event'
import { createLayout } from '../../lib/layout'
import { runNode, tempFolder } from '../support'

const log = getLogger('orders.checkout')

async function linesBy(layout: LayoutOption | undefined, work: () => void): Promise<string[]> {
  const path = join(tempFolder(), 'out.log')
  await configure({ sinks: [fileSink({ path, ...(layout && { layout }) })], service: 'orders' })
  work()
  await flush()
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines.pop(), 'the last line is whole').to.equal('')
  return lines
}

describe('the layout of a sink', () => {
  afterEach(async () => {
    await close()
  })

  const named: readonly (readonly [LayoutOption | undefined, RegExp])[] = [
    [undefined, /^\{"time":\d+,"level":"info","logger":"orders\.checkout","msg":"placed",/],
    ['json', /^\{"time":\d+,"level":"info",.*"seq":\d+.*\}$/],
    ['ecs', /^\{"@timestamp":"[^"]+","log\.level":"info","message":"placed","ecs\.version":.*"tracelane\.seq":\d+.*\}$/],
    ['otel', /^\{"resourceLogs":\[.*\]\}$/],
    ['pretty', /^\d\d:\d\d:\d\d\.\d{3} INFO {2}orders\.checkout placed orderId=42$/],
    [{ kind: 'ecs' }, /^\{"@timestamp":/],
    [{ pattern: '%-5level %logger{10} - %msg %kvp' }, /^INFO {2}o\.checkout - placed orderId="42"$/],
    [{ kind: 'pattern', pattern: '%msg%n' }, /^placed$/],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what this looks for
    [{ kind: 'pretty', colors: true }, /\u001b\[32mINFO \u001b\[0m/],
    [({ msg, level }: LogEvent, seq: number) => `${level} ${msg} ${typeof seq}`, /^info placed number$/],
  ]
  for (const [layout, line] of named) {
    it(`writes lines by ${typeof layout === 'function' ? 'a function' : JSON.stringify(layout)}, on another thread`, async () => {
      const failures: unknown[] = []
      const note = (failure: unknown): void => void failures.push(failure)
      subscribe('tracelane.failure', note)
      const [only, ...more] = await linesBy(layout, () => log.info('placed', { orderId: 42 }))
      unsubscribe('tracelane.failure', note)
      expect(failures, 'a thread that cannot be started').to.deep.equal([])
      expect(only).to.match(line)
      expect(more).to.deep.equal([])
    })
  }

  for (const layout of ['json', 'ecs', 'otel', 'pretty', { pattern: '%msg %fields%n' }] as const) {
    it(`keeps what an object said at the call, by ${JSON.stringify(layout)}`, async () => {
      const [line] = await linesBy(layout, () => {
        const fields = { cart: { items: ['before'] } }
        log.info('placed', fields)
        fields.cart.items[0] = 'after'
        Object.assign(fields, { cart: 'after' })
      })
      expect(line).to.contain('before').and.not.contain('after')
    })
  }

  it('survives JSON, as the options of a configuration file', () => {
    const layout = { kind: 'pattern', pattern: '%d{HH:mm} %msg%n', timezone: 'UTC', controls: 'keep' } as const
    const sink = fileSink({ path: '/tmp/x', layout: JSON.parse(JSON.stringify(layout)) as LayoutOption })
    expect(sink.options.layout).to.deep.include(layout)
    expect(Object.isFrozen(sink.options.layout)).to.equal(true)
  })

  it('is one for each sink of an event', async () => {
    const folder = tempFolder()
    const [a, b] = [join(folder, 'a.log'), join(folder, 'b.log')]
    await configure({ sinks: [fileSink({ path: a, layout: { pattern: '%msg' } }), fileSink({ path: b, layout: 'ecs' })] })
    log.info('placed')
    await flush()
    expect(readFileSync(a, 'utf8')).to.equal('placed\n')
    expect(JSON.parse(readFileSync(b, 'utf8'))).to.include({ message: 'placed' })
  })

  const refused: readonly (readonly [layout: unknown, reason: string, code?: string])[] = [
    ['jsn', "'layout' must be one of 'json', 'ecs', 'otel', 'pretty', not this text"],
    [7, "'layout' must be one of"],
    [null, "'layout' must be one of"],
    [{ kind: 'patern', pattern: 'x' }, "'layout' must be one of 'pattern', 'json'"],
    [{}, "layout needs 'pattern'"],
    [{ pattern: '' }, "'pattern' must be a text that is not empty"],
    [{ pattern: '%msg', colour: true }, "does not know 'colour': did you mean 'colors'?", 'ERR_TRACELANE_OPTION_UNKNOWN'],
    [{ kind: 'json', pattern: '%msg' }, "does not know 'pattern'", 'ERR_TRACELANE_OPTION_UNKNOWN'],
    [{ pattern: '%msg', properties: { a: 1 } }, "'properties' must be an object of texts"],
    [{ kind: 'pretty', timezone: 'Mars/Base' }, "names a time zone 'Mars/Base' that Node does not know"],
    [{ kind: 'pretty', traceId: 'long' }, "'traceId' must be one of 'short', 'full', 'none'"],
  ]
  for (const [layout, reason, code = 'ERR_TRACELANE_OPTION_INVALID'] of refused) {
    it(`is refused as ${JSON.stringify(layout)}`, () => {
      let error: unknown
      try {
        fileSink({ path: '/tmp/x', layout: layout as LayoutOption })
      } catch (thrown) {
        error = thrown
      }
      expect(isTracelaneError(error) && error.code).to.equal(code)
      expect((error as Error).message).to.contain(reason)
    })
  }

  it('is refused when it wants caller data that are not on, and all stays as it was', async () => {
    const [line] = await linesBy('json', () => {
      const sink = fileSink({ path: join(tempFolder(), 'x.log'), layout: { pattern: '%L %msg' } })
      expect(() => configure({ sinks: [sink] })).to.throw(/%L, which needs caller data/)
      log.info('placed')
    })
    expect(line).to.contain('placed')
  })
})

describe('colours on the console', () => {
  const program = `
    const { configure, consoleSink, getLogger } = require('tracelane')
    configure({ sinks: [consoleSink({ layout: JSON.parse(process.argv[1]) })] })
    getLogger('a').warn('m')
  `
  const cases: readonly (readonly [env: Record<string, string>, colored: boolean])[] = [
    [{}, false],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{ FORCE_COLOR: 'true', NO_COLOR: '1' }, true],
    [{ NO_COLOR: '1' }, false],
  ]
  for (const layout of ['pretty', { pattern: '%red(%msg)' }] as const) {
    for (const [env, colored] of cases) {
      const said = `${JSON.stringify(layout)} with ${JSON.stringify(env)}`
      it(`are ${colored ? 'on' : 'off'} in a pipe for ${said}`, async () => {
        const clean = { FORCE_COLOR: undefined, NO_COLOR: undefined }
        const { stdout } = await runNode(['-e', program, JSON.stringify(layout)], { env: { ...clean, ...env } })
        expect(stdout).to.contain('m')
        expect(stdout.includes('\u001b[')).to.equal(colored)
      })
    }
  }

  it('are as the layout says, whatever the environment says', () => {
    const { options } = consoleSink({ layout: { kind: 'pretty', colors: false } })
    const write = createLayout(options.layout as LayoutOption, { service: undefined }, { ordering: false, terminal: true })
    expect(write(captureEvent(undefined, { level: 'info', logger: 'a', msg: 'm' }), 1)).not.to.contain('\u001b')
  })
})
