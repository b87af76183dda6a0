import 'reflect-metadata'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { INestApplication, Logger as NestOwnLogger } from '@nestjs/common'
import { expect } from 'chai'
import { close, configure, currentTraceId, runWithTrace } from 'tracelane'
import { routeConsole } from 'tracelane/adapters/console'
import { NestLogger, nestLogger } from 'tracelane/adapters/nest'
import { traceMiddleware } from 'tracelane/middleware/express'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { nodeOf } from '../../lib/logger/hierarchy'
import { allRight, interleavedUsers, projectFile, projectRoot } from '../support'
import { call, traceparent } from '../support/call'

const ID = 'a'.repeat(32)
const folders = { 12: projectRoot, 11: projectFile('node_modules/nest11') }

for (const [version, folder] of Object.entries(folders)) {
  describe(`adapters/nest with NestJS ${version}`, () => {
    const load = createRequire(join(folder, 'package.json'))
    const common = load('@nestjs/common') as typeof import('@nestjs/common')
    const { NestFactory } = load('@nestjs/core') as typeof import('@nestjs/core')
    const { ExpressAdapter } = load('@nestjs/platform-express') as typeof import('@nestjs/platform-express')
    const { Logger } = common

    let captured: CapturedEvents

    beforeEach(async () => {
      await configure({ level: 'all' })
      captured = captureEvents()
      Logger.overrideLogger(nestLogger())
    })

    afterEach(async () => {
      captured.restore()
      await close()
      ;(Logger as unknown as { logLevels: unknown }).logLevels = undefined
    })

    const line = () => JSON.parse(captured.lines.at(-1) as string) as Record<string, unknown>
    const said = () => captured.events.map(({ level, logger, msg }) => [level, logger, msg])

    it('gives each line of 100 interleaved users its own id under backpressure, once', async () => {
      expect(await interleavedUsers('nest.cjs', [folder])).to.deep.equal(allRight())
    })

    it('is the LoggerService of Logger: levels, and the context as logger name', () => {
      const log: NestOwnLogger = new Logger('Orders')
      for (const level of ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const) log[level](`as ${level}`)
      Logger.log('static', 'Stock')
      Logger.log('without a context')
      expect(said()).to.deep.equal([
        ['trace', 'Orders', 'as verbose'],
        ['debug', 'Orders', 'as debug'],
        ['info', 'Orders', 'as log'],
        ['warn', 'Orders', 'as warn'],
        ['error', 'Orders', 'as error'],
        ['fatal', 'Orders', 'as fatal'],
        ['info', 'Stock', 'static'],
        ['info', 'nest', 'without a context'],
      ])
    })

    it('writes objects as fields, several messages in one line, classes by name and functions by result', () => {
      const log = new Logger('Orders')
      log.log({ id: 7 }, 'saved')
      expect(line()).to.deep.include({ msg: 'saved', id: 7, logger: 'Orders' })
      log.log('saved', { id: 8 }, 'twice')
      expect(line()).to.deep.include({ msg: 'saved twice', id: 8 })
      class Basket {}
      log.log(Basket)
      expect(line()).to.include({ msg: 'Basket' })
      log.log(() => ({ id: 9 }))
      expect(line()).to.include({ id: 9 })
    })

    it('keeps stack and cause of an error, given as an error or as its stack', () => {
      const log = new Logger('Orders')
      const error = new TypeError('no', { cause: new Error('deep') })
      log.error(error)
      expect(line()).to.deep.include({ msg: 'no', logger: 'Orders' })
      expect(line()['err']).to.deep.include({ type: 'TypeError', stack: error.stack }).and.have.nested.property('cause.stack')
      log.error('failed', error)
      expect(line()).to.include({ msg: 'failed', logger: 'Orders' })
      expect(line()).to.have.nested.property('err.cause.message', 'deep')
      log.error('failed', error.stack)
      expect(line()).to.deep.include({ msg: 'failed', err: { type: 'TypeError', message: 'no', stack: error.stack } })
      Logger.error('failed', error.stack)
      expect(line()).to.deep.include({ logger: 'nest', err: { type: 'TypeError', message: 'no', stack: error.stack } })
      Logger.error('failed', error.stack, 'Stock')
      expect(line()).to.deep.include({ logger: 'Stock', err: { type: 'TypeError', message: 'no', stack: error.stack } })
      log.error(error, error.stack)
      expect(line()).to.deep.include({ msg: 'no' }).and.have.nested.property('err.cause.message', 'deep')
      log.fatal('failed', error.stack, { id: 7 })
      expect(line()).to.deep.include({ level: 'fatal', msg: 'failed', id: 7 }).and.have.nested.property('err.type', 'TypeError')
    })

    it('uses the serializers of configure()', async () => {
      captured.restore()
      await configure({ serializers: { card: () => 'hidden' } })
      captured = captureEvents()
      new Logger('Orders').log({ card: 1234 })
      expect(line()).to.include({ card: 'hidden' })
    })

    it('takes text before the context for a message, unless it is a stack', () => {
      new Logger('Orders').error('charge failed', 'card expired')
      expect(line()).to.include({ msg: 'charge failed card expired', logger: 'Orders' }).and.not.have.property('err')
    })

    it("respects our levels by context, NestJS's own beside them, and keeps no name that it was given", async () => {
      captured.restore()
      await configure({ level: 'info', levels: { Stock: 'debug' } })
      captured = captureEvents()
      for (const name of ['Somebody', 'Stock']) for (const level of ['debug', 'log', 'error'] as const) Logger[level](level, name)
      expect(said().map(([level, logger]) => `${logger} ${level}`)).to.deep.equal([
        'Somebody info',
        'Somebody error',
        'Stock debug',
        'Stock info',
        'Stock error',
      ])
      Logger.overrideLogger(['warn', 'debug'])
      for (const level of ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const) Logger[level](`now ${level}`, 'Stock')
      expect(said().slice(5)).to.deep.equal(['debug', 'warn', 'error', 'fatal'].map((level) => [level, 'Stock', `now ${level}`]))
      const root = nodeOf('')
      expect([root.children.has('Stock'), root.children.has('Somebody')]).to.deep.equal([true, false])
    })

    async function started(
      options: object,
      prepare: (app: INestApplication) => void,
      use: (origin: string) => Promise<void> = async () => {},
    ): Promise<void> {
      class Orders {
        readonly log = new Logger(Orders.name)
        read(): string {
          this.log.log('read')
          return currentTraceId() as string
        }
      }
      class AppModule {}
      const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'read') as PropertyDescriptor
      common.Get()(Orders.prototype, 'read', descriptor)
      common.Controller('orders')(Orders)
      common.Module({ controllers: [Orders], providers: [NestLogger] })(AppModule)
      const app = await NestFactory.create(AppModule, new ExpressAdapter(), options)
      try {
        prepare(app)
        app.use(traceMiddleware())
        await app.listen(0, '127.0.0.1')
        await use(await app.getUrl())
      } finally {
        await app.close()
      }
    }

    it('has the lines of the start, and the id of the request on those of a controller', async () => {
      const prepare = (): void => {}
      await started({ logger: nestLogger() }, prepare, async (origin) => {
        const answer = await call(`${origin}/orders`, { headers: { traceparent: traceparent(ID) } })
        expect(answer.body).to.equal(ID)
      })
      const names = captured.events.map(({ logger }) => logger)
      expect(names).to.include.members(['NestFactory', 'RoutesResolver', 'RouterExplorer', 'NestApplication'])
      expect(captured.events.filter(({ msg }) => msg === 'read')).to.have.length(1)
      expect(captured.events.find(({ msg }) => msg === 'read')).to.include({ logger: 'Orders', traceId: ID })
    })

    it('has the lines of before app.useLogger() with bufferLogs, and is made by the injector', async () => {
      Logger.overrideLogger(new common.ConsoleLogger())
      await started({ bufferLogs: true }, (app) => {
        expect(captured.events).to.deep.equal([])
        app.useLogger(app.get(NestLogger))
      })
      expect(captured.events.map(({ logger }) => logger)).to.include.members(['NestFactory', 'InstanceLoader'])
      expect(new Set(captured.lines).size).to.equal(captured.lines.length)
    })

    it('tells nothing twice beside routeConsole()', () => {
      const restore = routeConsole()
      try {
        new Logger('Orders').error('once', new Error('no'))
        console.log('from the console')
      } finally {
        restore()
      }
      expect(said()).to.deep.equal([
        ['error', 'Orders', 'once'],
        ['info', 'console', 'from the console'],
      ])
    })

    it('never throws, whatever it is given', () => {
      const log = new Logger('Orders')
      runWithTrace(() => {
        log.log(() => {
          throw new Error('lazily')
        })
        log.error(Object.create(null), Symbol('x'))
        log.warn(undefined, null)
      })
      expect(captured.events).to.have.length(3)
      expect(captured.events[0]?.msg).to.equal('[arguments threw: lazily]')
    })

    it('refuses wrong options', () => {
      expect(() => nestLogger({ logger: '' })).to.throw('ERR_TRACELANE_OPTION_INVALID')
    })
  })
}
