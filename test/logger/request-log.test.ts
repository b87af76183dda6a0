import { IncomingMessage } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { expect } from 'chai'
import express from 'express'
import { Hono } from 'hono'
import Koa from 'koa'
import {
  addRequestLog,
  close,
  configure,
  currentTraceId,
  detach,
  getLogger,
  type Logger,
  requestLogger,
  runWithTrace,
  withSpan,
} from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { traceHono } from 'tracelane/middleware/hono'
import { traceListener } from 'tracelane/middleware/http'
import { traceKoa } from 'tracelane/middleware/koa'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { call } from '../support/call'
import { serve } from '../support/http-server'

interface WithLog {
  log: Logger
}

describe('requestLogger()', () => {
  let captured: CapturedEvents
  const events = (name: string) => captured.events.filter(({ logger }) => logger === name)

  beforeEach(() => {
    void configure({ thread: false })
    captured = captureEvents()
  })

  afterEach(async () => {
    captured.restore()
    await close()
  })

  async function served(handler: (req: IncomingMessage) => void): Promise<string> {
    const server = await serve(
      traceListener((req, res) => {
        handler(req)
        res.end()
      }),
    )
    const { headers } = await call(server.origin)
    await server.close()
    return headers['x-trace-id'] as string
  }

  it('has the trace of the request in flows that lost it, and in those of other requests', async () => {
    let kept: IncomingMessage | undefined
    const id = await served((req) => {
      kept = req
      detach(() => requestLogger(req).info('lost'))
      runWithTrace(() => requestLogger(req).child({ n: 1 }).info('other'))
    })
    requestLogger(kept as IncomingMessage).info('after')
    const said = events('http').map(({ msg, traceId }) => [msg, traceId])
    expect(said).to.deep.equal([
      ['lost', id],
      ['other', id],
      ['after', id],
    ])
  })

  it('has the span of a flow of the same trace', async () => {
    const spans: (string | undefined)[] = []
    const id = await served((req) => {
      requestLogger(req).info('outer')
      withSpan('part', () => {
        requestLogger(req).info('inner')
        getLogger('plain').info('inner')
      })
      spans.push(currentTraceId())
    })
    const [outer, inner] = events('http')
    expect([outer?.traceId, inner?.traceId]).to.deep.equal([id, id])
    expect(inner?.spanId).to.equal(events('plain')[0]?.spanId).and.to.not.equal(outer?.spanId)
  })

  it('of a request that nobody has traced is the logger of that name', () => {
    const req = new IncomingMessage(undefined as never)
    expect(requestLogger(req, 'other')).to.equal(getLogger('other'))
  })

  describe('as', () => {
    it('req.log of Express, also in an app that is mounted, made once for a request', async () => {
      const app = express()
      const mounted = express()
      addRequestLog(app.request, { logger: 'shop.http' })
      addRequestLog(mounted.request)
      app.use(traceMiddleware())
      app.use('/sub', mounted)
      const same: boolean[] = []
      const handler: express.RequestHandler = (req, res) => {
        const { log } = req as unknown as WithLog
        same.push(log === (req as unknown as WithLog).log)
        detach(() => log.info(req.originalUrl))
        res.end()
      }
      app.get('/own', handler)
      mounted.get('/it', handler)
      const server = await serve(app)
      const ids = [await call(`${server.origin}/own`), await call(`${server.origin}/sub/it`)].map(
        ({ headers }) => headers['x-trace-id'],
      )
      await server.close()
      const said = captured.events.filter(({ msg }) => msg.startsWith('/'))
      expect(said.map(({ msg, traceId }) => [msg, traceId])).to.deep.equal([
        ['/own', ids[0]],
        ['/sub/it', ids[1]],
      ])
      expect(said[0]?.logger).to.equal('shop.http')
      expect(same).to.deep.equal([true, true])
    })

    it('ctx.log of Koa', async () => {
      const app = new Koa()
      addRequestLog(app.context)
      app.use(traceKoa())
      app.use((ctx) => {
        detach(() => (ctx as unknown as WithLog).log.info('koa'))
        ctx.body = 'x'
      })
      const server = await serve(app.callback())
      const { headers } = await call(server.origin)
      await server.close()
      expect(events('http').map(({ msg, traceId }) => [msg, traceId])).to.deep.equal([['koa', headers['x-trace-id']]])
    })

    it("c.get('log') of Hono", async () => {
      const app = new Hono<{ Bindings: { incoming: IncomingMessage }; Variables: WithLog }>()
      app.use(traceHono())
      app.use((c, next) => {
        c.set('log', requestLogger(c.env.incoming))
        return next()
      })
      app.get('/', (c) => {
        detach(() => c.get('log').info('hono'))
        return c.text('x')
      })
      // Its own Response, once global, does not know RESPONSE_ALREADY_SENT, which a later test file of this process loads
      const server = await serve(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
      const { headers } = await call(server.origin)
      await server.close()
      expect(events('http').map(({ msg, traceId }) => [msg, traceId])).to.deep.equal([['hono', headers['x-trace-id']]])
    })
  })
})

describe('addRequestLog()', () => {
  class Request extends IncomingMessage {
    declare log: Logger
  }

  it('leaves a log that is there, and gives way to one that is assigned, as pino-http does', async () => {
    const theirs = { info: () => undefined } as unknown as Logger
    class Theirs extends IncomingMessage {
      get log(): Logger {
        return theirs
      }
    }
    addRequestLog(Theirs.prototype)
    expect(new Theirs(undefined as never).log).to.equal(theirs)
    addRequestLog(Request.prototype)
    addRequestLog(Request.prototype)
    const [one, other] = [new Request(undefined as never), new Request(undefined as never)]
    one.log = theirs
    expect(one.log).to.equal(theirs)
    expect(Object.keys(one)).to.include('log')
    expect(other.log).to.equal(getLogger('http'))
  })

  it('keeps nothing on the prototype when that is asked', async () => {
    class Asked extends IncomingMessage {
      declare log: Logger
    }
    addRequestLog(Asked.prototype)
    expect(Asked.prototype.log).to.equal(getLogger('http'))
    expect(Object.getOwnPropertyDescriptor(Asked.prototype, 'log')).to.have.property('get')
  })

  it('adds nothing to a request that does not ask', () => {
    class Quiet extends IncomingMessage {}
    addRequestLog(Quiet.prototype)
    expect(Object.keys(new Quiet(undefined as never))).to.not.include('log')
  })

  it('refuses wrong options', () => {
    expect(() => addRequestLog({}, { logger: '' })).to.throw(/addRequestLog: 'logger' must be a text/)
  })
})
