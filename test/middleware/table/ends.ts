import { once } from 'node:events'
import { expect } from 'chai'
import { counters, currentTraceId, type SpanRecord } from 'tracelane'
import { call, traceparent } from '../../support/call'
import type { Framework, Handler } from '../../support/frameworks'
import { rawConnect } from '../../support/raw-http'
import { harnessOf, ID } from './harness'

const CLOSED_HERE = 'this server closed the connection before the response was complete'

/** The event at the end of a request, however it ends. */
export function describeEnds(framework: Framework): void {
  describe(`the end of a request on ${framework.name}`, () => {
    const harness = harnessOf(framework)

    it('is one span event with name, method, route, status, bytes and parent, and one end of the trace', async () => {
      const { origin, port } = await harness.start({ get: { '/orders/:id': ({ params }) => ({ id: params['id'] }) } })
      const client = await rawConnect(port)
      const lines = ['GET /orders/7?secret=1 HTTP/1.1', 'host: x', `traceparent: ${traceparent(ID('2'))}`, 'connection: close']
      client.socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      await once(client.socket, 'close')
      const [span] = await harness.port.spanCount(1)
      const route = framework.knowsRoutes ? '/orders/:id' : undefined
      expect(span).to.include({ kind: 'server', name: 'GET /orders/7', method: 'GET', route, outcome: 'ok', status: 200 })
      expect(span?.bytesSent).to.equal(client.text().length)
      expect(span?.durationMs).to.be.greaterThan(0)
      const [event] = harness.port.events
      expect(event).to.include({ traceId: ID('2'), level: 'info', logger: 'tracelane.span' })
      expect(event?.fields?.['parentSpanId']).to.equal('00f067aa0ba902b7')
      expect(harness.port.ends).to.deep.equal([{ traceId: ID('2'), failed: false }])
      expect(origin).to.contain(String(port))
    })

    it('leaves 404 and errors to the framework, and tells the trace of both', async () => {
      const get: Readonly<Record<string, Handler>> = {
        '/throw/:what': () => {
          throw new Error('sync')
        },
        '/reject': () => Promise.reject(new Error('async')),
      }
      const { origin } = await harness.start({ get, onError: (error) => `${error.message} ${currentTraceId()}` })
      const headers = { traceparent: traceparent(ID('3')) }
      const missing = await call(`${origin}/nowhere`, { headers })
      expect(missing.status).to.equal(404)
      expect(missing.headers['x-trace-id']).to.equal(ID('3'))
      expect(await call(`${origin}/throw/it`, { headers })).to.include({ status: 500, body: `sync ${ID('3')}` })
      expect(await call(`${origin}/reject`, { headers })).to.include({ status: 500, body: `async ${ID('3')}` })
      const spans = await harness.port.spanCount(3)
      expect(spans.map(({ outcome, status }) => [outcome, status])).to.deep.equal([
        ['ok', 404],
        ['error', 500],
        ['error', 500],
      ])
      const routes = framework.knowsRoutes ? [undefined, '/throw/:what', '/reject'] : [undefined, undefined, undefined]
      expect(spans.map(({ route }) => route)).to.deep.equal(routes)
      expect(harness.port.ends.map(({ failed }) => failed)).to.deep.equal([false, true, true])
    })

    it('is told to the port without a span event when spans is false', async () => {
      const { origin } = await harness.start({ options: { spans: false }, get: { '/': ({ res }) => void res.end() } })
      await call(origin)
      expect(harness.port.events).to.deep.equal([])
      expect(harness.port.ends).to.have.length(1)
    })

    it('has the chosen fields alone, and those from which trees are drawn', async () => {
      const { origin } = await harness.start({
        options: { spans: ['status', 'method'] },
        get: { '/a': ({ res }) => void res.end('a') },
      })
      await call(`${origin}/a?b=1`)
      const [span] = await harness.port.spanCount(1)
      expect(span?.durationMs).to.be.a('number')
      const { durationMs: _, ...fields } = span as SpanRecord
      expect(fields).to.deep.equal({ kind: 'server', name: 'GET /a', outcome: 'ok', status: 200, method: 'GET' })
    })

    it('has no event when silent says so, unless the request fails', async () => {
      const { origin } = await harness.start({
        options: { silent: ({ url }) => url?.startsWith('/health') === true },
        get: {
          '/health': () => ({ up: true }),
          '/health/broken': ({ res }) => {
            res.statusCode = 503
            res.end()
          },
          '/orders': () => ({}),
        },
      })
      for (const path of ['health', 'health/broken', 'orders']) await call(`${origin}/${path}`)
      const spans = await harness.port.spanCount(2)
      expect(spans.map(({ name }) => name)).to.deep.equal(['GET /health/broken', 'GET /orders'])
      expect(harness.port.ends).to.have.length(3)
    })

    it('counts a silent that throws or gives no boolean, and has its event', async () => {
      const faults: (() => unknown)[] = [
        () => {
          throw new Error('mine')
        },
        () => 'yes',
      ]
      const options = { silent: () => faults.shift()?.() as boolean }
      const { origin } = await harness.start({ options, get: { '/': () => ({}) } })
      const before = counters.userCallbackErrors
      for (let i = 0; i < 2; i++) expect((await call(origin)).status).to.equal(200)
      expect(counters.userCallbackErrors - before).to.equal(2)
      expect(await harness.port.spanCount(2)).to.have.length(2)
    })

    it('counts the bytes of each of several requests on one connection, pipelined or not', async () => {
      const sent: number[] = []
      const { port } = await harness.start({
        get: {
          '/:size': ({ res, params }) => {
            // The answer to the first request is the last to be ready
            const body = 'x'.repeat(Number(params['size']))
            setTimeout(() => res.end(body), params['size'] === '10' ? 20 : 0)
          },
        },
      })
      const client = await rawConnect(port)
      const ask = (size: number): string => `GET /${size} HTTP/1.1\r\nhost: x\r\n\r\n`
      client.socket.write(ask(10) + ask(2_000) + ask(300_000))
      await client.until('HTTP/1.1 200', 3)
      await harness.port.spanCount(3)
      client.socket.write(ask(5))
      for (const { bytesSent = 0 } of await harness.port.spanCount(4)) sent.push(bytesSent)
      client.socket.end()
      await once(client.socket, 'close')
      const answers = client.text().split(/(?=HTTP\/1\.1 200)/)
      expect(sent).to.deep.equal(answers.map((text) => text.length))
    })

    it('is aborted when the client goes away, whatever was sent until then', async () => {
      const { port } = await harness.start({ get: { '/': ({ res }) => void res.writeHead(200).write('some') } })
      const client = await rawConnect(port)
      client.socket.write(`GET / HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('4'))}\r\n\r\n`)
      await client.until('some')
      client.socket.destroy()
      const [span] = await harness.port.spanCount(1)
      expect(span).to.include({ outcome: 'aborted', status: 200, error: undefined })
      expect(span?.bytesSent).to.equal(client.text().length)
      expect(harness.port.events[0]?.level).to.equal('warn')
      expect(harness.port.ends).to.deep.equal([{ traceId: ID('4'), failed: true }])
    })

    it('is an error when this server gives up the connection: by a time-out, or by an error of its own', async () => {
      const { port } = await harness.start({
        get: {
          // As server.setTimeout does for each connection, but only once the request is here
          '/slow': ({ req }) => void req.socket.setTimeout(20),
          '/broken': ({ res }) => void res.destroy(new Error('disk')),
        },
      })
      for (const path of ['slow', 'broken']) {
        const client = await rawConnect(port)
        client.socket.write(`GET /${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
        await once(client.socket, 'close')
      }
      const spans = await harness.port.spanCount(2)
      expect(spans.map(({ outcome, status, error }) => [outcome, status, error])).to.deep.equal([
        ['error', undefined, CLOSED_HERE],
        ['error', undefined, 'Error: disk'],
      ])
    })
  })
}
