import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import fastify from 'fastify'
import { currentTrace, currentTraceId } from 'tracelane'
import { traceFastify } from 'tracelane/middleware/fastify'
import { traceListener } from 'tracelane/middleware/http'
import { traceparent } from '../support/call'
import { listenToPort, type PortEvents } from '../support/port-events'
import { ID } from './table/harness'

interface Reply {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/* Requests of one session, which share its connection. */
async function ask(session: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}, body?: string): Promise<Reply> {
  const stream = session.request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST', ...headers })
  stream.end(body)
  const [got] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return { headers: got, body: Buffer.concat(chunks).toString() }
}

describe('over HTTP/2', () => {
  let session: ClientHttp2Session
  let server: Http2Server
  let port: PortEvents

  beforeEach(() => {
    port = listenToPort()
  })

  afterEach(async () => {
    port.stop()
    session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  const listen = async (listening: Http2Server): Promise<void> => {
    server = listening
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }

  describe('traceListener()', () => {
    it('gives each of many requests on one connection its own trace, in every event', async () => {
      const seen: Record<string, unknown[]> = {}
      const listener = traceListener((req, res) => {
        const who = req.url ?? ''
        const ids: unknown[] = [currentTraceId()]
        seen[who] = ids
        req.on('data', () => ids.push(currentTraceId()))
        req.on('end', () => {
          ids.push(currentTraceId())
          setTimeout(() => res.end(currentTraceId()), 1)
        })
        res.on('finish', () => ids.push(currentTraceId()))
        res.on('close', () => ids.push(currentTraceId()))
      })
      await listen(createServer(listener as never))
      const digits = [...'123456789abcdef']
      const replies = await Promise.all(
        digits.map((digit) => ask(session, `/${digit}`, { traceparent: traceparent(ID(digit)) }, 'body')),
      )
      const spans = await port.spanCount(digits.length)
      for (const [i, digit] of digits.entries()) {
        expect(replies[i]?.body).to.equal(ID(digit))
        expect(replies[i]?.headers['x-trace-id']).to.equal(ID(digit))
        expect(new Set(seen[`/${digit}`])).to.deep.equal(new Set([ID(digit)]))
        expect(seen[`/${digit}`]).to.have.length.at.least(5)
      }
      expect(spans.map(({ name }) => name)).to.have.members(digits.map((digit) => `POST /${digit}`))
      for (const span of spans) expect(span).to.include({ kind: 'server', outcome: 'ok', status: 200, bytesSent: undefined })
    })

    it('begins a new trace without a valid header, or with two', async () => {
      await listen(createServer(traceListener((_req, res) => void res.end(currentTrace()?.traceState)) as never))
      const value = traceparent(ID('a'))
      for (const given of [undefined, 'nonsense', [value, value]]) {
        const headers = given === undefined ? {} : { traceparent: given }
        const { headers: replied, body } = await ask(session, '/', { ...headers, tracestate: 'foo=1' })
        expect(replied['x-trace-id']).to.match(/^(?!a{32})[0-9a-f]{32}$/)
        expect(body).to.equal('')
      }
      const joined = await ask(session, '/', { traceparent: value, tracestate: ['foo=1', 'bar=2'] })
      expect(joined.body).to.equal('foo=1,bar=2')
    })

    it('gives the clock back to callers that sent one', async () => {
      await listen(
        createServer(
          traceListener((req, res) => {
            if (req.url === '/head') res.writeHead(200)
            if (req.url === '/write') res.write('x')
            res.end()
          }) as never,
        ),
      )
      const clock = `${(Date.now() - 1000).toString(16).padStart(12, '0')}0000`
      for (const path of ['/', '/head', '/write']) {
        const headers = { traceparent: traceparent(ID('a')) }
        const { headers: replied } = await ask(session, path, { ...headers, 'tracelane-clock': clock })
        expect(String(replied['tracelane-clock']) > clock, path).to.equal(true)
        expect((await ask(session, path, headers)).headers, path).to.not.have.property('tracelane-clock')
      }
    })

    it('tells of a stream that the client has reset, and of a server error', async () => {
      await listen(
        createServer(
          traceListener((req, res) => {
            if (req.url === '/error') res.statusCode = 503
            if (req.url === '/error') res.end()
            else if (req.url === '/reset') res.write('begun')
            else res.end(Buffer.alloc(1 << 24))
          }) as never,
        ),
      )
      await ask(session, '/error')
      for (const path of ['/reset', '/large']) {
        const stream = session.request({ ':path': path, traceparent: traceparent(ID('b')) })
        await once(stream, 'data')
        stream.close(constants.NGHTTP2_CANCEL)
      }
      const [error, ...early] = await port.spanCount(3)
      expect(error).to.include({ name: 'GET /error', outcome: 'error', status: 503 })
      expect(early.map(({ name }) => name)).to.have.members(['GET /reset', 'GET /large'])
      for (const span of early) expect(span).to.include({ outcome: 'aborted', status: 200, error: undefined })
      expect(port.events.slice(1).map(({ traceId }) => traceId)).to.deep.equal([ID('b'), ID('b')])
    })
  })

  it('traceFastify() serves an app with http2: true', async () => {
    const app = fastify({ http2: true })
    app.register(traceFastify() as never)
    app.post('/orders/:id', async (request) => [currentTraceId(), request.body])
    app.get('/fails', async () => {
      throw new Error(currentTraceId())
    })
    await app.ready()
    await listen(app.server as unknown as Http2Server)
    const headers = { traceparent: traceparent(ID('c')) }
    const reply = await ask(session, '/orders/7', { ...headers, 'content-type': 'application/json' }, '{"a":1}')
    expect(JSON.parse(reply.body)).to.deep.equal([ID('c'), { a: 1 }])
    expect(reply.headers['x-trace-id']).to.equal(ID('c'))
    expect(JSON.parse((await ask(session, '/fails', headers)).body)).to.include({ message: ID('c') })
    const spans = await port.spanCount(2)
    expect(spans.map(({ route, outcome, status }) => [route, outcome, status])).to.deep.equal([
      ['/orders/:id', 'ok', 200],
      ['/fails', 'error', 500],
    ])
  })
})
