import { Readable } from 'node:stream'
import { expect } from 'chai'
import Koa from 'koa'
import { currentTraceId } from 'tracelane'
import { traceListener } from 'tracelane/middleware/http'
import { traceKoa } from 'tracelane/middleware/koa'
import { call, traceparent } from '../support/call'
import { FRAMEWORKS } from '../support/frameworks'
import { serve } from '../support/http-server'
import { describeEnds } from './table/ends'
import { describeFlows } from './table/flows'
import { ID } from './table/harness'
import { describeTraces } from './table/traces'
import { describeUnchanged } from './table/unchanged'

for (const framework of [FRAMEWORKS.koa2, FRAMEWORKS.koa3]) {
  for (const describeTable of [describeTraces, describeEnds, describeFlows, describeUnchanged]) describeTable(framework)
}

describe('traceKoa()', () => {
  it('refuses options that it does not know, with the cure', () => {
    expect(() => traceKoa({ span: false } as never)).to.throw("traceKoa does not know 'span': did you mean 'spans'?")
  })

  it("has the 'error' of the app, which Koa emits behind the middleware, in the request's trace", async () => {
    const app = new Koa()
    const seen: unknown[] = []
    app.on('error', (error: Error, ctx: Koa.Context) => seen.push(error.message, currentTraceId(), ctx.path))
    app.use(traceKoa())
    app.use(async () => {
      await Promise.resolve()
      throw new Error('mine')
    })
    const server = await serve(app.callback())
    const answer = await call(`${server.origin}/a`, { headers: { traceparent: traceparent(ID('a')) } })
    await server.close()
    expect(answer).to.include({ status: 500, body: 'Internal Server Error' })
    expect(seen).to.deep.equal(['mine', ID('a'), '/a'])
  })

  it('names the trace in the answers that Koa itself gives to errors, and adds no other header to them', async () => {
    const appOf = (middleware: readonly Koa.Middleware[]): Koa => {
      const app = new Koa()
      app.silent = true
      for (const one of [...middleware, refusing]) app.use(one)
      return app
    }
    const refusing: Koa.Middleware = (ctx) => {
      ctx.set('x-removed', 'by Koa')
      throw Object.assign(new Error('no'), { status: 403, expose: true, headers: { 'x-kept': 'yes' } })
    }
    const servers = await Promise.all([[], [traceKoa()]].map((middleware) => serve(appOf(middleware).callback())))
    const headers = { traceparent: traceparent(ID('c')) }
    const [bare, traced] = await Promise.all(servers.map(({ origin }) => call(origin, { headers })))
    await Promise.all(servers.map((server) => server.close()))
    expect(bare).to.include({ status: 403, body: 'no' })
    expect(traced).to.include({ status: 403, body: 'no' })
    const { date: _bareDate, ...expected } = bare?.headers ?? {}
    const { date: _date, ...told } = traced?.headers ?? {}
    expect(told).to.deep.equal({ ...expected, 'x-trace-id': ID('c') })
  })

  it('has what a body reads while Koa sends it in the trace when traceListener is around the app', async () => {
    const app = new Koa()
    let left = 5
    app.use(traceKoa())
    app.use((ctx) => {
      ctx.body = new Readable({
        highWaterMark: 1,
        read() {
          this.push(left-- > 0 ? `${currentTraceId()} ` : null)
        },
      })
    })
    const server = await serve(traceListener(app.callback()))
    const answer = await call(server.origin, { headers: { traceparent: traceparent(ID('b')) } })
    await server.close()
    expect(answer.body).to.equal(`${ID('b')} `.repeat(5))
  })
})
