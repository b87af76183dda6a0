import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'chai'
import type express from 'express'
import { counters, currentTrace, currentTraceId, mdc, runWithTrace, withSpan } from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { type Answer, call, FLAVOURS, traceparent } from '../support/express-apps'
import { serve, type TestServer } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'

const ID = (digit: string): string => digit.repeat(32)

for (const [name, createApp] of FLAVOURS) {
  describe(`traceMiddleware() on ${name}`, () => {
    let server: TestServer | undefined
    let port: PortEvents

    beforeEach(() => {
      port = listenToPort()
    })

    afterEach(async () => {
      port.stop()
      await server?.close()
      server = undefined
    })

    const start = async (app: express.Express): Promise<TestServer> => {
      server = await serve(app)
      return server
    }

    const traced = (options?: Parameters<typeof traceMiddleware>[0]): express.Express => {
      const app = createApp()
      app.use(traceMiddleware(options))
      return app
    }

    describe('the trace of a request', () => {
      it('continues the trace of the caller in a new span', async () => {
        const app = traced()
        app.get('/', (_req, res) => res.json(currentTrace()))
        const { origin } = await start(app)
        const headers = { traceparent: traceparent(ID('a')), tracestate: 'x=1', baggage: 'user=ann' }
        const { body, headers: replied } = await call(origin, { headers })
        const context = JSON.parse(body)
        expect(context.traceId).to.equal(ID('a'))
        expect(context.parentSpanId).to.equal('00f067aa0ba902b7')
        expect(context.spanId)
          .to.match(/^[0-9a-f]{16}$/)
          .and.not.equal('00f067aa0ba902b7')
        expect(context.traceState).to.equal('x=1')
        expect(replied['x-trace-id']).to.equal(ID('a'))
      })

      it('starts a new one without headers, and names it in x-trace-id and no other header', async () => {
        const app = traced()
        app.get('/', (_req, res) => res.end(currentTraceId()))
        const { origin } = await start(app)
        const { body, headers } = await call(origin)
        expect(body).to.match(/^[0-9a-f]{32}$/)
        expect(headers['x-trace-id']).to.equal(body)
        const ours = Object.keys(headers).filter((key) => /trace|baggage|clock/.test(key))
        expect(ours).to.deep.equal(['x-trace-id'])
      })

      it('restarts the trace when traceparent is sent twice, also for a later version that may contain a comma', async () => {
        const app = traced()
        app.get('/', (_req, res) => res.end(currentTraceId()))
        const { origin } = await start(app)
        const once = `cc-${ID('b')}-00f067aa0ba902b7-01-x`
        expect((await call(origin, { headers: { traceparent: once } })).body).to.equal(ID('b'))
        expect((await call(origin, { headers: { traceparent: `${once},y` } })).body).to.equal(ID('b'))
        const twice = await call(origin, { headers: { traceparent: [once, once] } })
        expect(twice.body)
          .to.match(/^[0-9a-f]{32}$/)
          .and.not.equal(ID('b'))
      })

      it('joins several tracestate headers in the order received', async () => {
        const app = traced()
        app.get('/', (_req, res) => res.end(currentTrace()?.traceState))
        const { origin } = await start(app)
        const headers = { traceparent: traceparent(ID('a')), tracestate: ['a=1,b=2', 'c=3'] }
        expect((await call(origin, { headers })).body).to.equal('a=1,b=2,c=3')
      })

      it('is not the trace in which the server was started', async () => {
        const app = traced()
        app.get('/', (_req, res) => res.json([currentTraceId(), mdc.fields()]))
        const boot = await runWithTrace(async () => {
          mdc.put('phase', 'boot')
          await start(app)
          return currentTraceId()
        })
        const seen = await Promise.all([call(`${server?.origin}/`), call(`${server?.origin}/`)])
        const ids = seen.map(({ body }) => JSON.parse(body) as [string, object])
        expect(new Set([boot, ...ids.map(([id]) => id)]).size).to.equal(3)
        for (const [, fields] of ids) expect(fields).to.deep.equal({})
      })

      it('stays the first one when mounted twice, also behind a middleware that loses the context', async () => {
        const app = traced()
        const lost: (() => void)[] = []
        app.use((_req, _res, next) => {
          lost.push(next)
        })
        app.use(traceMiddleware())
        app.get('/', (_req, res) => res.end(currentTrace()?.parentSpanId))
        const { origin } = await start(app)
        const pump = setInterval(() => lost.splice(0).forEach((next) => void next()), 1)
        const { body } = await call(origin, { headers: { traceparent: traceparent(ID('a')) } })
        clearInterval(pump)
        expect(body).to.equal('00f067aa0ba902b7')
        expect(await port.spanCount(1)).to.have.length(1)
        expect(port.ends).to.have.length(1)
      })
    })

    describe('the end of a request', () => {
      it('is one span event with name, status and parent, and one end of the trace', async () => {
        const app = traced()
        app.get('/orders/:id', (_req, res) => res.status(201).json({}))
        const { origin } = await start(app)
        await call(`${origin}/orders/7?secret=1`, { headers: { traceparent: traceparent(ID('2')) } })
        const [span] = await port.spanCount(1)
        expect(span).to.include({ kind: 'server', name: 'GET /orders/7', outcome: 'ok', status: 201 })
        expect(span?.durationMs).to.be.greaterThan(0)
        const [event] = port.events
        expect(event).to.include({ traceId: ID('2'), level: 'info', logger: 'tracelane.span' })
        expect(event?.fields?.['parentSpanId']).to.equal('00f067aa0ba902b7')
        expect(port.ends).to.deep.equal([{ traceId: ID('2'), failed: false }])
      })

      it('leaves 404 and errors to Express, and tells the trace of both', async () => {
        const app = traced()
        app.get('/throw', () => {
          throw new Error('sync')
        })
        app.get('/next', (_req, _res, next) => next(new Error('passed on')))
        if (name === 'Express 5') app.get('/reject', () => Promise.reject(new Error('async')))
        app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
          res.status(500).end(`${error.message} ${currentTraceId()}`)
        })
        const { origin } = await start(app)
        const headers = { traceparent: traceparent(ID('3')) }
        expect((await call(`${origin}/nowhere`, { headers })).status).to.equal(404)
        expect((await call(`${origin}/throw`, { headers })).body).to.equal(`sync ${ID('3')}`)
        expect((await call(`${origin}/next`, { headers })).body).to.equal(`passed on ${ID('3')}`)
        if (name === 'Express 5') expect((await call(`${origin}/reject`, { headers })).body).to.equal(`async ${ID('3')}`)
        const spans = await port.spanCount(name === 'Express 5' ? 4 : 3)
        expect(spans.map(({ outcome }) => outcome)).to.deep.equal(['ok', ...spans.slice(1).map(() => 'error')])
        expect(port.ends.map(({ failed }) => failed)).to.deep.equal([false, ...spans.slice(1).map(() => true)])
      })

      it('is told to the port without a span event when spans is false', async () => {
        const app = traced({ spans: false })
        app.get('/', (_req, res) => res.end())
        const { origin } = await start(app)
        await call(origin)
        expect(port.events).to.deep.equal([])
        expect(port.ends).to.have.length(1)
      })
    })

    describe('businessId', () => {
      it('is an MDC field of every event, cut at 256 characters, and stays at home', async () => {
        const app = createApp()
        app.use(traceMiddleware({ businessId: (req: express.Request) => req.get('x-order') }))
        app.get('/', (_req, res) => res.json([mdc.get('businessId'), currentTrace()?.baggage.size]))
        const { origin } = await start(app)
        expect(JSON.parse((await call(origin, { headers: { 'x-order': 'o-7' } })).body)).to.deep.equal(['o-7', 0])
        expect(JSON.parse((await call(origin, { headers: { 'x-order': 'o'.repeat(300) } })).body)[0]).to.have.length(256)
        expect(JSON.parse((await call(origin)).body)).to.deep.equal([null, 0])
        await port.spanCount(3)
        expect(port.events[0]?.mdc).to.include({ businessId: 'o-7' })
      })

      it('travels as the baggage member business-id when asked', async () => {
        const app = traced({ businessId: () => 'ö 7', businessIdBaggage: true })
        app.get('/', (_req, res) => res.json([...(currentTrace()?.baggage.entries() ?? [])]))
        const { origin } = await start(app)
        const { body } = await call(origin, { headers: { traceparent: traceparent(ID('4')), baggage: 'a=1' } })
        expect(JSON.parse(body)).to.deep.equal([
          ['a', { value: '1' }],
          ['business-id', { value: 'ö 7' }],
        ])
      })

      it('that throws, rejects or is no text is counted, and the request goes on', async () => {
        const faults: (() => unknown)[] = [
          () => {
            throw new Error('mine')
          },
          () => Promise.reject(new Error('async')),
          () => 7,
        ]
        const app = traced({ businessId: () => faults.shift()?.() as string })
        app.get('/', (_req, res) => res.json(mdc.fields()))
        const { origin } = await start(app)
        const before = counters.userCallbackErrors
        for (let i = 0; i < 3; i++) expect((await call(origin)).body).to.equal('{}')
        expect(counters.userCallbackErrors - before).to.equal(3)
      })
    })

    describe('the clock', () => {
      const clock = (ms: number): string => `${ms.toString(16).padStart(12, '0')}0000`

      it('goes back only to a caller that sent one, and only a usable one', async () => {
        const app = traced()
        app.get('/', (_req, res) => res.end())
        const { origin } = await start(app)
        const sent = clock(Date.now() + 60_000)
        const from = (value: string): Promise<Answer> =>
          call(origin, { headers: { traceparent: traceparent(ID('5')), 'tracelane-clock': value } })
        expect(String((await from(sent)).headers['tracelane-clock']) > sent).to.equal(true)
        const state = await call(origin, { headers: { traceparent: traceparent(ID('5')), tracestate: `tl=${sent}` } })
        expect(String(state.headers['tracelane-clock']) > sent).to.equal(true)
        expect((await from('nonsense')).headers).to.not.have.property('tracelane-clock')
        expect((await from(clock(Date.now() + 9_000_000))).headers).to.not.have.property('tracelane-clock')
        expect((await call(origin, { headers: { 'tracelane-clock': sent } })).headers).to.not.have.property('tracelane-clock')
      })

      const WRITES: readonly (readonly [string, (res: ServerResponse) => void])[] = [
        ['end()', (res) => void res.end('x')],
        ['write()', (res) => void res.write('x', () => res.end())],
        [
          'flushHeaders()',
          (res) => {
            res.flushHeaders()
            res.end('x')
          },
        ],
        ['writeHead(status)', (res) => void res.writeHead(202).end()],
        ['writeHead(status, headers)', (res) => void res.writeHead(202, { a: 'b' }).end()],
        ['writeHead(status, list)', (res) => void res.writeHead(202, ['a', 'b']).end()],
        ['writeHead(status, reason)', (res) => void res.writeHead(202, 'Fine').end()],
        ['writeHead(status, reason, headers)', (res) => void res.writeHead(202, 'Fine', { a: 'b' }).end()],
      ]
      for (const [what, write] of WRITES) {
        it(`is read when ${what} writes the head`, async () => {
          const app = traced()
          let logged = ''
          app.get('/', (_req, res) => {
            withSpan('work', () => undefined)
            logged = port.events.at(-1)?.hlc ?? ''
            write(res)
          })
          const { origin } = await start(app)
          const headers = { traceparent: traceparent(ID('6')), 'tracelane-clock': clock(Date.now() + 60_000) }
          const answer = await call(origin, { headers })
          expect(logged).to.match(/^[0-9a-f]{16}$/)
          expect(String(answer.headers['tracelane-clock']) > logged).to.equal(true)
          expect(answer.headers['x-trace-id']).to.equal(ID('6'))
          if (what.includes('headers)') || what.includes('list')) expect(answer.headers['a']).to.equal('b')
          if (what.startsWith('writeHead')) expect(answer.status).to.equal(202)
        })
      }
    })

    it('adds no more than one listener per event, and leaves the methods of a response alone', async () => {
      const app = createApp()
      const counts = (emitter: IncomingMessage | ServerResponse): Record<string, number> =>
        Object.fromEntries(emitter.eventNames().map((event) => [String(event), emitter.listenerCount(event)]))
      let added: Record<string, number> = {}
      let own: string[] = []
      app.use((req, res, next) => {
        const before = [counts(req), counts(res)]
        traceMiddleware()(req, res, () => {
          const after = [counts(req), counts(res)]
          added = Object.fromEntries(
            after.flatMap((now, i) =>
              Object.entries(now)
                .map(([event, count]) => [`${i === 0 ? 'req' : 'res'} ${event}`, count - (before[i]?.[event] ?? 0)] as const)
                .filter(([, more]) => more > 0),
            ),
          )
          own = ['writeHead', 'write', 'end', 'setHeader'].filter((method) => Object.hasOwn(res, method))
          next()
        })
      })
      app.get('/', (_req, res) => res.end())
      const { origin } = await start(app)
      await call(origin)
      expect(added).to.deep.equal({ 'res finish': 1, 'res close': 1 })
      expect(own).to.deep.equal([])
    })
  })
}

describe('traceMiddleware()', () => {
  it('refuses options that it does not know, with the cure', () => {
    expect(() => traceMiddleware({ bussinessId: () => 'x' } as never)).to.throw("did you mean 'businessId'?")
    expect(() => traceMiddleware({ spans: 'yes' } as never)).to.throw("'spans' must be true or false")
  })
})
