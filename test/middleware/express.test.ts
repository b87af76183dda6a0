import { createReadStream } from 'node:fs'
import { expect } from 'chai'
import express from 'express'
import { currentTraceId } from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { call, traceparent } from '../support/call'
import { FRAMEWORKS } from '../support/frameworks'
import { serve, type TestServer } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'
import { rawConnect } from '../support/raw-http'
import { describeEnds } from './table/ends'
import { describeFlows } from './table/flows'
import { ID } from './table/harness'
import { describeTraces } from './table/traces'
import { describeUnchanged } from './table/unchanged'

for (const framework of [FRAMEWORKS.express4, FRAMEWORKS.express5]) {
  for (const describeTable of [describeTraces, describeEnds, describeFlows, describeUnchanged]) describeTable(framework)
}

const FLAVOURS: readonly (readonly [string, typeof express])[] = [
  ['Express 4', require('express4') as typeof express],
  ['Express 5', express],
]

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

    const traced = (): express.Express => createApp().use(traceMiddleware()) as express.Express

    it('is there in error handlers, however the error came', async () => {
      const app = traced()
      app.get('/throw', () => {
        throw new Error('sync')
      })
      app.get('/next', (_req, _res, next) => next(new Error('passed on')))
      if (name === 'Express 5') app.get('/reject', () => Promise.reject(new Error('async')))
      app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
        res.status(500).end(`${error.message} ${currentTraceId()}`)
      })
      server = await serve(app)
      const headers = { traceparent: traceparent(ID('3')) }
      const bodyOf = async (path: string): Promise<string> => (await call(`${server?.origin}${path}`, { headers })).body
      expect(await bodyOf('/throw')).to.equal(`sync ${ID('3')}`)
      expect(await bodyOf('/next')).to.equal(`passed on ${ID('3')}`)
      if (name === 'Express 5') expect(await bodyOf('/reject')).to.equal(`async ${ID('3')}`)
    })

    it('knows the route below routers, also when an error has left them, and none for other middleware', async () => {
      const app = traced()
      const orders = createApp.Router({ mergeParams: true })
      orders.get(/^\/r(\d+)$/, (_req, res) => void res.end())
      orders.get('/', (_req, res) => void res.end())
      orders.get('/:id', (_req, res) => void res.end())
      orders.get('/:id/error', () => {
        throw new Error('mine')
      })
      app.use('/shops/:shop/orders', orders)
      app.use('/static', (_req, res) => void res.end())
      app.get('/', (_req, res) => void res.end())
      app.use((_error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
        res.status(500).end()
      })
      server = await serve(app)
      const paths = ['orders?a=/b', 'orders/7?x', 'orders/7/error', 'orders/r12'].map((path) => `/shops/1/${path}`)
      for (const path of [...paths, '/static/a', '/']) await call(`${server.origin}${path}`)
      const routes = (await port.spanCount(6)).map(({ route }) => route)
      expect(routes).to.deep.equal([
        '/shops/1/orders',
        '/shops/1/orders/:id',
        '/shops/1/orders/:id/error',
        '/shops/1/orders/^\\/r(\\d+)$/',
        undefined,
        '/',
      ])
    })

    it('does with etags, ranges, redirects, cookies and views what Express does without us', async () => {
      const observe = async (app: express.Express): Promise<unknown[]> => {
        app.get('/json', (_req, res) => void res.json({ a: 1 }))
        app.get('/file', (_req, res) => res.sendFile(__filename))
        app.get('/away', (_req, res) => res.redirect(301, '/json?a=ü'))
        app.get('/cookie', (_req, res) => void res.cookie('a', 'b').vary('Origin').type('text').send('ok'))
        app.get(
          '/type',
          (_req, res) => void res.format({ 'text/plain': () => void res.send('text'), default: () => res.send('other') }),
        )
        const { origin, close } = await serve(app)
        const answers: unknown[] = []
        const asked: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
          ['/json', {}],
          ['/json', { 'if-none-match': 'W/"7-n4nHQM60bXQYySSnisV5QdXpZSA"' }],
          ['/file', { range: 'bytes=0-9' }],
          ['/file', { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() }],
          ['/away', {}],
          ['/cookie', {}],
          ['/type', { accept: 'text/plain' }],
        ]
        for (const [path, headers] of asked) {
          const { status, body, headers: replied } = await call(`${origin}${path}`, { headers })
          const { date: _, 'x-trace-id': __, ...rest } = replied
          answers.push([path, status, rest, body])
        }
        await close()
        return answers
      }
      const without = await observe(createApp())
      expect(await observe(traced())).to.deep.equal(without)
      expect(without.map((answer) => (answer as unknown[])[1])).to.deep.equal([200, 304, 206, 304, 301, 200, 200])
    })

    it('is right in the callback of sendFile, whether the client takes the file or goes away', async () => {
      const app = traced()
      const seen: (string | undefined)[] = []
      let done = (): void => undefined
      app.get('/file', (_req, res) =>
        res.sendFile(__filename, () => {
          seen.push(currentTraceId())
          done()
        }),
      )
      app.get('/stream', (_req, res) => {
        createReadStream('/dev/zero').pipe(res)
        res.on('close', () => {
          seen.push(currentTraceId())
          done()
        })
      })
      server = await serve(app)
      const { origin, port: tcpPort } = server
      let called = new Promise<void>((resolve) => {
        done = resolve
      })
      await call(`${origin}/file`, { headers: { traceparent: traceparent(ID('e')) } })
      await called
      called = new Promise<void>((resolve) => {
        done = resolve
      })
      const client = await rawConnect(tcpPort)
      client.socket.write(`GET /stream HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('f'))}\r\n\r\n`)
      await client.until('200 OK')
      client.socket.destroy()
      await called
      expect(seen).to.deep.equal([ID('e'), ID('f')])
    })
  })
}

describe('traceMiddleware()', () => {
  it('refuses options that it does not know, with the cure', () => {
    expect(() => traceMiddleware({ bussinessId: () => 'x' } as never)).to.throw("did you mean 'businessId'?")
    expect(() => traceMiddleware({ spans: 'yes' } as never)).to.throw("'spans' must be true, false or a list of status")
    expect(() => traceMiddleware({ silent: true } as never)).to.throw("'silent' must be a function")
  })
})
