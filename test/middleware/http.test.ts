import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { expect } from 'chai'
import { counters, currentTraceId } from 'tracelane'
import { traceListener, traceUpgrade } from 'tracelane/middleware/http'
import { WebSocket, WebSocketServer } from 'ws'
import { call, traceparent } from '../support/call'
import { FRAMEWORKS } from '../support/frameworks'
import { listening, serve, type TestServer } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'
import { rawConnect } from '../support/raw-http'
import { describeEnds } from './table/ends'
import { describeFlows } from './table/flows'
import { ID } from './table/harness'
import { describeTraces } from './table/traces'
import { describeUnchanged } from './table/unchanged'

for (const describeTable of [describeTraces, describeEnds, describeFlows, describeUnchanged]) describeTable(FRAMEWORKS.http)

describe('tracelane/middleware/http', () => {
  let server: TestServer
  let port: PortEvents

  beforeEach(() => {
    port = listenToPort()
  })

  afterEach(async () => {
    port.stop()
    await server.close()
  })

  const upgrade = async (path = '/'): Promise<Awaited<ReturnType<typeof rawConnect>>> => {
    const client = await rawConnect(server.port)
    const lines = [`GET ${path} HTTP/1.1`, 'host: x', 'connection: upgrade', 'upgrade: test']
    client.socket.write(`${lines.join('\r\n')}\r\ntraceparent: ${traceparent(ID('a'))}\r\n\r\n`)
    return client
  }

  describe('traceListener()', () => {
    it('refuses options that it does not know, with the cure, and passes on this, results and errors', async () => {
      server = await serve((_req, res) => res.end())
      const wrong = { span: false } as never
      expect(() => traceListener(() => undefined, wrong)).to.throw("traceListener does not know 'span': did you mean 'spans'?")
      const seen: unknown[] = []
      server.server.removeAllListeners('request')
      const listener = traceListener(function (this: unknown, _req, res) {
        seen.push(this === server.server)
        res.end()
        return 7
      })
      server.server.on('request', function (this: unknown, req, res) {
        seen.push(listener.call(this as undefined, req, res))
      })
      await call(server.origin)
      expect(seen).to.deep.equal([true, 7])
    })

    it('tells of a body that took longer than server.requestTimeout', async () => {
      const limits = { requestTimeout: 50, headersTimeout: 40, connectionsCheckingInterval: 10 }
      server = await listening(
        createServer(
          limits,
          traceListener(() => undefined),
        ),
      )
      const client = await rawConnect(server.port)
      client.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhe')
      const [span] = await port.spanCount(1)
      await client.until('408 Request Timeout')
      expect(span).to.include({ outcome: 'aborted', status: undefined, error: 'Error: Request timeout' })
    })

    it('traces what Node gives to other listeners than those of request', async () => {
      server = await serve((_req, res) => res.end('request'))
      server.server.on(
        'checkContinue',
        traceListener((_req, res) => void res.end(currentTraceId())),
      )
      const headers = { expect: '100-continue', traceparent: traceparent(ID('b')) }
      expect((await call(server.origin, { method: 'POST', headers }, 'x')).body).to.equal(ID('b'))
    })
  })

  describe('traceUpgrade()', () => {
    it('refuses options that it does not know, with the cure', async () => {
      server = await serve((_req, res) => res.end())
      const wrong = { span: false } as never
      expect(() => traceUpgrade(() => undefined, wrong)).to.throw("traceUpgrade does not know 'span': did you mean 'spans'?")
    })

    it('traces once when it is around twice, and tells of a connection that broke', async () => {
      server = await serve((_req, res) => res.end())
      let opened: Duplex | undefined
      const listener = traceUpgrade((_req, socket) => {
        opened = socket
        socket.on('error', () => undefined)
        socket.write(`HTTP/1.1 101 ${currentTraceId()}\r\n\r\n`)
      })
      server.server.on('upgrade', traceUpgrade(listener))
      const client = await upgrade('/live')
      await client.until(ID('a'))
      opened?.destroy(new Error('broken'))
      await once(client.socket, 'close')
      const spans = await port.spanCount(1)
      expect(spans[0]).to.include({ name: 'GET /live', outcome: 'aborted', error: 'Error: broken' })
      expect([spans.length, port.ends]).to.deep.equal([1, [{ traceId: ID('a'), failed: true }]])
    })

    it('has what ws does with a websocket in the trace of its handshake', async () => {
      server = await serve((_req, res) => res.end())
      const sockets = new WebSocketServer({ noServer: true })
      const seen: (readonly [string, string | undefined])[] = []
      const note = (event: string): void => void seen.push([event, currentTraceId()])
      sockets.on('connection', (socket) => {
        note('connection')
        socket.on('message', (data) => {
          note('message')
          socket.send(data)
        })
        socket.on('close', () => note('close'))
      })
      server.server.on(
        'upgrade',
        traceUpgrade((req, socket, head) => {
          sockets.handleUpgrade(req, socket, head, (opened) => void sockets.emit('connection', opened, req))
        }),
      )
      const client = new WebSocket(`ws://127.0.0.1:${server.port}/live`, { headers: { traceparent: traceparent(ID('c')) } })
      await once(client, 'open')
      client.send('hello')
      const [data] = await once(client, 'message')
      expect(String(data)).to.equal('hello')
      client.close()
      await once(client, 'close')
      const [span] = await port.spanCount(1)
      expect(seen).to.deep.equal(['connection', 'message', 'close'].map((event) => [event, ID('c')]))
      expect(span).to.include({ name: 'GET /live', outcome: 'ok' })
    })

    it('has no event for those that are silent, and counts the end of the trace', async () => {
      server = await serve((_req, res) => res.end())
      const before = counters.userCallbackErrors
      const closed = new Promise<void>((resolve) => {
        const listener = traceUpgrade((_req, socket) => void socket.on('close', resolve).end('x'), { silent: () => true })
        server.server.on('upgrade', listener)
      })
      const client = await upgrade()
      await closed
      client.socket.destroy()
      expect(port.spans()).to.deep.equal([])
      expect(port.ends).to.deep.equal([{ traceId: ID('a'), failed: false }])
      expect(counters.userCallbackErrors).to.equal(before)
    })
  })
})
