import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import log4js from 'log4js'
import log4js5 from 'log4js5'
import { currentTraceId, mdc, runWithTrace } from 'tracelane'
import * as appenderModule from 'tracelane/adapters/log4js'
import { traceTokens } from 'tracelane/adapters/log4js'
import { installPacked, projectFile, runNode, tempFolder } from '../support'
import { captured } from './captured'
import { LinesFile } from './lines'

const CLUSTER = projectFile('test/fixtures/adapters/log4js-cluster.cjs')

const VERSIONS = { log4js, log4js5: log4js5 as unknown as typeof log4js }

for (const [version, own] of Object.entries(VERSIONS)) {
  describe(`the appender of ${version}`, () => {
    function configureOwn(options: object = {}, more: object = {}): void {
      own.configure({
        appenders: { out: { type: appenderModule, ...options } as never },
        categories: { default: { appenders: ['out'], level: 'all', enableCallStack: false } },
        ...more,
      })
    }

    afterEach((done) => own.shutdown(() => done()))

    it('takes each form of the call, with ids and MDC, under the category', async () => {
      configureOwn()
      const log = own.getLogger('orders.db')
      let id: string | undefined
      const events = await captured(() =>
        runWithTrace(() => {
          id = currentTraceId()
          mdc.put('tenant', 't1')
          log.info('cart of %s has %d', 'ann', 3)
          log.info('text', { a: 1 })
          log.addContext('bound', true)
          log.info('text', 7)
        }),
      )
      expect(events.map(({ traceId, mdc: { tenant }, logger }) => [traceId, tenant, logger])).to.deep.equal(
        Array(3).fill([id, 't1', 'orders.db']),
      )
      expect(events.map(({ msg }) => msg)).to.deep.equal(['cart of ann has 3', 'text', 'text 7'])
      expect(events.map(({ fields }) => fields)).to.deep.equal([{}, { a: 1 }, { bound: true }])
    })

    it('maps levels by their names, and those of the application by their numbers', async () => {
      configureOwn({}, { levels: { AUDIT: { value: 25000, colour: 'red' }, LOUD: { value: 45000, colour: 'red' } } })
      const log = own.getLogger('a')
      const events = await captured(() => {
        for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'mark', 'AUDIT', 'LOUD']) log.log(level, 'text')
      })
      expect(events.map(({ level, fields }) => `${level} ${fields?.['severityText'] ?? ''}`.trim())).to.deep.equal([
        ...['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'info MARK', 'info AUDIT', 'error LOUD'],
      ])
    })

    it('keeps the very error, with stack and cause', async () => {
      configureOwn()
      const err = new TypeError('outer', { cause: new Error('inner') })
      const events = await captured(() => {
        const log = own.getLogger('a')
        log.error(err)
        log.error('text', err)
        log.error('text %s', 'x', err, { a: 1 })
      })
      expect(events.map(({ err: found }) => found)).to.deep.equal([err, err, err])
      expect(events.map(({ msg }) => msg)).to.deep.equal(['outer', 'text', 'text x'])
      expect(events[2]?.fields).to.deep.equal({ a: 1 })
    })

    it('enters under the name that is given, and refuses options that do not exist', async () => {
      configureOwn({ logger: 'mine' })
      const [event] = await captured(() => own.getLogger('a').info('text'))
      expect(event?.logger).to.equal('mine')
      expect(() => configureOwn({ loger: 'mine' })).to.throw("did you mean 'logger'?")
    })

    it('leaves no secret in a line', async () => {
      const file = new LinesFile()
      configureOwn()
      own.getLogger('a').error('https://ann:hunter2@db/', { password: 'hunter2' }, new Error('token=hunter2'))
      expect((await file.texts()).join())
        .to.include('[redacted]')
        .and.not.include('hunter2')
      await file.close()
    })

    it('has everything written when shutdown calls back', async () => {
      const file = new LinesFile()
      configureOwn()
      const log = own.getLogger('a')
      for (let i = 0; i < 1000; i++) log.info(`line ${i}`)
      await new Promise<void>((resolve, reject) => own.shutdown((error) => (error ? reject(error) : resolve())))
      expect(file.textsNow()).to.have.length(1000)
      await file.close()
    })

    it('gives tokens to the pattern layout of the other appenders', () => {
      const lines: string[] = []
      const recording = {
        configure: (
          config: { layout: { type: string } },
          layouts: { layout(type: string, config: object): (event: object) => string },
        ) => {
          const layout = layouts.layout(config.layout.type, config.layout)
          return (event: object) => lines.push(layout(event))
        },
      }
      const layout = { type: 'pattern', pattern: '[%x{traceId} %x{spanId}] %m', tokens: traceTokens }
      own.configure({
        appenders: { out: { type: recording, layout } as never },
        categories: { default: { appenders: ['out'], level: 'all' } },
      })
      const id = runWithTrace(() => {
        own.getLogger('a').info('text')
        return currentTraceId()
      })
      own.getLogger('a').info('outside')
      expect(lines[0]).to.match(new RegExp(`^\\[${id} [0-9a-f]{16}\\] text$`))
      expect(lines[1]).to.equal('[- -] outside')
    })
  })
}

describe('the appender of log4js', () => {
  it('says where in the source the call is, if log4js asks', async () => {
    log4js.configure({
      appenders: { out: { type: appenderModule } as never },
      categories: { default: { appenders: ['out'], level: 'all', enableCallStack: true } },
    })
    const [event] = await captured(() => log4js.getLogger('a').info('text'))
    expect(event?.caller?.file).to.match(/log4js\.test\.js$/)
    expect(event?.caller?.line).to.be.above(0)
    log4js.shutdown()
  })

  it('gives no ids to lines that log4js has sent from a worker of a cluster, and says so with the cure', async () => {
    const { stdout, stderr } = await runNode([CLUSTER, 'false'])
    const [line] = stdout.split('\n').map((text) => (text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)))
    expect(line, stderr).to.include({ logger: 'worker' }).and.to.not.have.property('traceId')
    expect(stderr).to.include('disableClustering: true')
  })

  it('gives a worker of a cluster its ids with disableClustering', async () => {
    const { stdout, stderr } = await runNode([CLUSTER, 'true'])
    const { traceId, msg } = JSON.parse(stdout) as { traceId: string; msg: string }
    expect(msg).to.equal(`expects ${traceId}`)
    expect(stderr).to.equal('')
  })

  it('is found by log4js under its name', async function () {
    // It may be the first of its process to need the package
    this.timeout(60_000)
    const folder = tempFolder()
    await installPacked(folder, ['date-format', 'debug', 'flatted', 'rfdc', 'streamroller'])
    // Not a link, because log4js looks for appenders from where it really is
    cpSync(projectFile('node_modules/log4js'), join(folder, 'node_modules/log4js'), { recursive: true })
    const program = `require('log4js')
      .configure({ appenders: { out: { type: 'tracelane/adapters/log4js' } }, categories: { default: { appenders: ['out'], level: 'info' } } })
      .getLogger('app').info('found')`
    const { stdout, stderr } = await runNode(['-e', program], { cwd: folder })
    expect(stdout, stderr).to.include('"logger":"app","msg":"found"')
  })
})
