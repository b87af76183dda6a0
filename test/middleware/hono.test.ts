import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, serve, upgradeWebSocket } from '@hono/node-server'
import { expect } from 'chai'
import { Hono } from 'hono'
import { currentTraceId } from 'tracelane'
import { traceHono } from 'tracelane/middleware/hono'
import { traceListener } from 'tracelane/middleware/http'
import { WebSocket, WebSocketServer } from 'ws'
import { call, traceparent } from '../support/call'
import { FRAMEWORKS } from '../support/frameworks'
import { listening } from '../support/http-server'
import { listenToPort } from '../support/port-events'
import { describeEnds } from './table/ends'
import { describeFlows } from './table/flows'
import { ID } from './table/harness'
import { describeTraces } from './table/traces'
import { describeUnchanged } from './table/unchanged'

for (const describeTable of [describeTraces, describeEnds, describeFlows, describeUnchanged]) describeTable(FRAMEWORKS.hono)

describe('traceHono()', () => {
  it('refuses options that it does not know, with the cure', () => {
    expect(() => traceHono({ span: false } as never)).to.throw("traceHono does not know 'span': did you mean 'spans'?")
  })

  it('traces a websocket of upgradeWebSocket from its handshake to its end', async () => {
    const sockets = new WebSocketServer({ noServer: true })
    const seen: (string | undefined)[] = []
    const app = new Hono().use(traceHono())
    const events = {
      onOpen: () => void seen.push(currentTraceId()),
      onMessage: (event: { data: unknown }, socket: { send(data: string): void }) => {
        seen.push(currentTraceId())
        socket.send(String(event.data))
      },
    }
    app.get(
      '/live',
      upgradeWebSocket(() => events),
    )
    const port = listenToPort()
    // The types of ws and of Hono disagree about what may be undefined
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', websocket: { server: sockets as never } })
    await once(server, 'listening')
    const { port: tcpPort } = server.address() as AddressInfo
    const client = new WebSocket(`ws://127.0.0.1:${tcpPort}/live`, { headers: { traceparent: traceparent(ID('a')) } })
    await once(client, 'open')
    client.send('hello')
    expect(String((await once(client, 'message'))[0])).to.equal('hello')
    client.close()
    await once(client, 'close')
    const [span] = await port.spanCount(1)
    server.close()
    await once(server, 'close')
    port.stop()
    expect(seen).to.deep.equal([ID('a'), ID('a')])
    expect(span).to.include({ name: 'GET /live', outcome: 'ok' })
  })

  it('lets pass untraced what does not come from a server of Node', async () => {
    const app = new Hono().use(traceHono()).get('/', (c) => c.text(String(currentTraceId())))
    const answer = await app.request('/')
    expect(await answer.text()).to.equal('undefined')
    expect(answer.headers.get('x-trace-id')).to.equal(null)
  })

  it('has what a body reads while Hono sends it in the trace when traceListener is around the app', async () => {
    let left = 5
    const body = (): ReadableStream =>
      new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(Buffer.from(`${currentTraceId()} `))
          else controller.close()
        },
      })
    const app = new Hono().use(traceHono()).get('/', (c) => c.body(body()))
    const server = await listening(createServer(traceListener(getRequestListener(app.fetch))))
    const answer = await call(server.origin, { headers: { traceparent: traceparent(ID('b')) } })
    await server.close()
    expect(answer.body).to.equal(`${ID('b')} `.repeat(5))
  })
})
