import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { expect } from 'chai'
import fastify from 'fastify'
import { currentTraceId } from 'tracelane'
import { traceMixin } from 'tracelane/adapters/pino'
import { traceFastify } from 'tracelane/middleware/fastify'
import { traceListener } from 'tracelane/middleware/http'
import { traceparent } from '../support/call'
import { FRAMEWORKS } from '../support/frameworks'
import { listenToPort } from '../support/port-events'
import { describeEnds } from './table/ends'
import { describeFlows } from './table/flows'
import { ID } from './table/harness'
import { describeTraces } from './table/traces'
import { describeUnchanged } from './table/unchanged'

for (const framework of [FRAMEWORKS.fastify4, FRAMEWORKS.fastify5]) {
  for (const describeTable of [describeTraces, describeEnds, describeFlows, describeUnchanged]) describeTable(framework)
}

describe('traceFastify()', () => {
  const headers = { traceparent: traceparent(ID('a')) }
  let lines: { msg: string; traceId?: string }[] = []
  const logger = {
    mixin: traceMixin,
    stream: new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(String(chunk)))
        done()
      },
    }),
  }

  beforeEach(() => {
    lines = []
  })

  it('refuses options that it does not know, with the cure', () => {
    expect(() => traceFastify({ span: false } as never)).to.throw("traceFastify does not know 'span': did you mean 'spans'?")
  })

  it('is for routes and plugins beside it and below, wherever they were registered, and for those of inject()', async () => {
    const port = listenToPort()
    const app = fastify()
    app.get('/before', async () => currentTraceId())
    app.register(traceFastify())
    app.register(async (child) => {
      child.get('/below', async () => currentTraceId())
    })
    for (const url of ['/before', '/below']) {
      const answer = await app.inject({ url, headers })
      expect(answer.body, url).to.equal(ID('a'))
      expect(answer.headers['x-trace-id'], url).to.equal(ID('a'))
    }
    const spans = await port.spanCount(2)
    port.stop()
    // There is no connection that could count them.
    expect(spans.map(({ status, bytesSent }) => [status, bytesSent])).to.deep.equal(Array(2).fill([200, undefined]))
    await app.close()
  })

  it('gives the ids to req.log by the mixin of pino, also when the request is completed', async () => {
    const app = fastify({ logger })
    app.register(traceFastify())
    app.get('/', async (request) => {
      request.log.info('mine')
      return {}
    })
    await app.inject({ url: '/', headers })
    await app.close()
    const ids = Object.fromEntries(lines.map(({ msg, traceId }) => [msg, traceId]))
    expect(ids).to.deep.equal({ 'incoming request': undefined, mine: ID('a'), 'request completed': ID('a') })
  })

  it('has the line of the incoming request too when traceListener is around the handler of the server', async () => {
    const app = fastify({ logger, serverFactory: (handler) => createServer(traceListener(handler)) })
    app.register(traceFastify())
    app.get('/', async () => ({}))
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    await (await fetch(address, { headers })).text()
    const undecodable = await fetch(`${address}/%ff`, { headers })
    await undecodable.text()
    await app.close()
    const ids = lines.filter(({ msg }) => msg.includes('request')).map(({ traceId }) => traceId)
    expect(ids.slice(0, 2)).to.deep.equal([ID('a'), ID('a')])
    expect([undecodable.status, undecodable.headers.get('x-trace-id')]).to.deep.equal([400, ID('a')])
  })
})
