import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fastify5, { type FastifyInstance } from 'fastify'
import fastify4 from 'fastify4'
import { close, configure, currentTraceId, fileSink } from 'tracelane'
import { type FastifyLogger, fastifyLogger } from 'tracelane/adapters/fastify'
import { traceFastify } from 'tracelane/middleware/fastify'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { allRight, interleavedUsers, tempFolder } from '../support'
import { call, traceparent } from '../support/call'

const ID = 'a'.repeat(32)

const versions = {
  fastify: (loggerInstance: FastifyLogger) => fastify5({ loggerInstance }) as unknown as FastifyInstance,
  fastify4: (logger: FastifyLogger) => fastify4({ logger }) as unknown as FastifyInstance,
}

for (const [name, make] of Object.entries(versions)) {
  describe(`adapters/fastify with ${name}`, () => {
    let captured: CapturedEvents

    beforeEach(async () => {
      await configure({ level: 'info' })
      captured = captureEvents()
    })

    afterEach(async () => {
      captured.restore()
      await close()
    })

    const lines = () => captured.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const line = () => lines().at(-1) as Record<string, unknown>

    it('gives each line of 100 interleaved users its own id under backpressure, once', async () => {
      expect(await interleavedUsers('fastify.cjs', [name])).to.deep.equal(allRight())
    })

    async function answered(
      prepare: (app: FastifyInstance) => void,
      paths: readonly string[],
      logger = fastifyLogger(),
    ): Promise<void> {
      const app = make(logger)
      try {
        prepare(app)
        const origin = await app.listen({ port: 0, host: '127.0.0.1' })
        for (const path of paths) await call(`${origin}${path}`, { headers: { traceparent: traceparent(ID) } })
      } finally {
        await app.close()
      }
    }

    it("writes Fastify's lines and those of request.log once, with serializers, reqId and the id of the request", async () => {
      await answered(
        (app) => {
          app.register(traceFastify())
          app.get('/orders/:id', async (request) => {
            request.log.info({ order: 7 }, 'order %s', 'read')
            return currentTraceId()
          })
        },
        ['/orders/7'],
      )
      const ours = lines().filter(({ logger }) => logger === 'fastify')
      expect(ours.map(({ msg }) => String(msg).replace(/http:.*/, 'ORIGIN'))).to.deep.equal([
        'Server listening at ORIGIN',
        'incoming request',
        'order read',
        'request completed',
      ])
      const [, incoming, read, completed] = ours
      expect(incoming).to.have.nested.include({ 'req.method': 'GET', 'req.url': '/orders/7', reqId: 'req-1' })
      expect(read).to.include({ traceId: ID, order: 7, reqId: 'req-1', level: 'info' })
      expect(completed).to.include({ traceId: ID, reqId: 'req-1' }).and.have.nested.property('res.statusCode', 200)
      expect(completed).to.have.property('responseTime').that.is.a('number')
    })

    it('keeps stack and cause of an error that a handler throws', async () => {
      const error = new TypeError('no', { cause: new Error('deep') })
      await answered(
        (app) => {
          app.get('/', async () => {
            throw error
          })
        },
        ['/'],
      )
      const failed = lines().find(({ level }) => level === 'error')
      expect(failed).to.have.nested.include({
        msg: 'no',
        'err.type': 'TypeError',
        'err.stack': error.stack,
        'err.cause.message': 'deep',
      })
    })

    it("respects a route's logLevel and serializers, and serializers of its own", async () => {
      const logger = fastifyLogger({ logger: 'web', serializers: { card: (card: string) => card.slice(-4) } })
      await answered(
        (app) => {
          const log = async (request: { log: FastifyInstance['log'] }) => {
            request.log.debug({ card: '1234567890', order: 7 }, 'details')
            return 'ok'
          }
          const serializers = { order: (id: number) => `#${id}` }
          app.get('/debug', { logLevel: 'debug', logSerializers: serializers }, log)
          app.get('/silent', { logLevel: 'silent' }, log)
          app.get('/plain', log)
        },
        ['/debug', '/silent', '/plain'],
        logger,
      )
      expect(lines().every((one) => one['logger'] === 'web')).to.equal(true)
      const details = lines().filter(({ msg }) => msg === 'details')
      expect(details.map(({ level, card, order }) => [level, card, order])).to.deep.equal([['debug', '7890', '#7']])
      expect(lines().filter(({ msg }) => msg === 'request completed')).to.have.length(2)
    })

    it('takes its level from configure(), until one is assigned; children begin with it', async () => {
      const logger = fastifyLogger()
      expect(logger.level).to.equal('info')
      captured.restore()
      await configure({ level: 'off', levels: { fastify: 'trace' } })
      captured = captureEvents()
      expect(logger.level).to.equal('trace')
      logger.level = 'warn'
      const child = logger.child({ part: 'db' })
      for (const one of [logger, child]) for (const level of ['info', 'warn', 'silent'] as const) one[level](level)
      expect(lines().map(({ msg, part }) => [msg, part])).to.deep.equal([
        ['warn', undefined],
        ['warn', 'db'],
      ])
      child.level = 'silent'
      child.fatal('unheard')
      expect(captured.events).to.have.length(2)
      expect([logger.level, child.level, fastifyLogger({ logger: 'other' }).level]).to.deep.equal(['warn', 'silent', 'silent'])
    })

    it('has the place of the call for appenders that ask', async () => {
      captured.restore()
      const file = join(tempFolder(), 'out.log')
      await configure({
        appenders: { placed: { sink: fileSink({ path: file }), caller: true } },
        root: { appenders: ['placed'] },
      })
      fastifyLogger().child({}).info('here')
      await close()
      expect(readFileSync(file, 'utf8')).to.contain(`"caller":{"file":"${__filename}"`)
    })

    it('takes the forms of a pino call', () => {
      const logger = fastifyLogger()
      const error = new Error('no')
      logger.info({ a: 1 }, '%s has %d', 'cart', 3)
      expect(line()).to.include({ msg: 'cart has 3', a: 1 })
      logger.error(error, 'failed')
      expect(line()).to.have.nested.include({ msg: 'failed', 'err.stack': error.stack })
      logger.error({ err: error, a: 2 })
      expect(line()).to.have.nested.include({ msg: 'no', a: 2, 'err.message': 'no' })
      logger.child({ a: 1, b: 1 }).info({ a: 2 }, 'x')
      expect(line()).to.include({ a: 2, b: 1 })
    })

    it('says in the line when a serializer or a value throws, and never throws itself', () => {
      const logger = fastifyLogger({
        serializers: {
          bad: () => {
            throw new Error('no')
          },
        },
      })
      logger.info({ bad: 1, good: 2 }, 'x')
      expect(line()).to.include({ bad: '[serializer threw: no]', good: 2 })
      const revoked = Proxy.revocable({}, {})
      revoked.revoke()
      logger.info(revoked.proxy, 'x')
      expect(line()['msg']).to.match(/^\[arguments threw: /)
    })

    it('refuses wrong options', () => {
      expect(() => fastifyLogger({ serializers: { req: 1 } } as never)).to.throw('ERR_TRACELANE_OPTION_INVALID')
    })
  })
}
