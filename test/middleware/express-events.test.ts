import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Agent } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type express from 'express'
import { currentTraceId } from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { type Answer, call, FLAVOURS, traceparent } from '../support/express-apps'
import { serve, type TestServer } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'
import { rawConnect } from '../support/raw-http'

const ID = (digit: string): string => digit.repeat(32)

for (const [name, createApp] of FLAVOURS) {
  describe(`traceMiddleware() and the events of ${name}`, () => {
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

    describe('the context', () => {
      it('stays with its request when two are interleaved over keep-alive sockets', async () => {
        const app = traced()
        app.use(createApp.json({ limit: '1mb' }))
        let arrived = 0
        let open = (): void => undefined
        const both = new Promise<void>((resolve) => {
          open = resolve
        })
        app.post('/', async (req, res) => {
          const seen = [currentTraceId()]
          if (++arrived === 2) open()
          await both
          seen.push(currentTraceId())
          await turn()
          seen.push(currentTraceId(), await new Promise((resolve) => setTimeout(() => resolve(currentTraceId()), 1)))
          res.on('finish', () => seen.push(currentTraceId()))
          res.json({ seen, size: JSON.stringify(req.body).length })
        })
        const { origin } = await start(app)
        const agent = new Agent({ keepAlive: true, maxSockets: 2 })
        const body = JSON.stringify({ text: 'x'.repeat(100_000) })
        const post = (id: string): Promise<Answer> =>
          call(
            origin,
            { method: 'POST', agent, headers: { 'content-type': 'application/json', traceparent: traceparent(id) } },
            body,
          )
        for (let round = 0; round < 3; round++) {
          const answers = await Promise.all([post(ID('a')), post(ID('b'))])
          for (const [i, answer] of answers.entries()) {
            const { seen, size } = JSON.parse(answer.body)
            expect(size).to.equal(body.length)
            expect(new Set(seen)).to.deep.equal(new Set([ID('ab'[i] as string)]))
          }
        }
        agent.destroy()
      })

      it('is right in every event of a request that the client breaks off', async () => {
        const app = traced()
        const seen = new Map<string, string | undefined>()
        const note = (event: string) => (): void => void seen.set(event, currentTraceId())
        let closed: Promise<unknown> = Promise.resolve()
        const arrived = new Promise<void>((resolve) => {
          app.post('/', (req, res) => {
            for (const event of ['aborted', 'error', 'close', 'data']) req.on(event, note(`req ${event}`))
            res.on('close', note('res close'))
            closed = Promise.all([once(res, 'close'), new Promise((done) => req.on('close', done))])
            req.once('data', () => resolve())
          })
        })
        const { port: tcpPort } = await start(app)
        const { socket } = await rawConnect(tcpPort)
        socket.write(`POST / HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('c'))}\r\ncontent-length: 99\r\n\r\nhello`)
        await arrived
        socket.destroy()
        await closed
        expect([...seen.keys()].sort()).to.deep.equal(['req aborted', 'req close', 'req data', 'req error', 'res close'])
        expect([...new Set(seen.values())]).to.deep.equal([ID('c')])
        const [span] = await port.spanCount(1)
        expect(span).to.include({ kind: 'server', name: 'POST /', outcome: 'aborted', status: undefined })
        expect(port.ends).to.deep.equal([{ traceId: ID('c'), failed: true }])
      })

      it('is right in res.write and res.end callbacks and events of pipelined requests', async () => {
        const app = traced()
        const seen: Record<string, (string | undefined)[]> = {}
        const pending: Promise<unknown>[] = []
        app.get('/:id', (req, res) => {
          const list: (string | undefined)[] = []
          seen[req.params.id] = list
          const note = (): void => void list.push(currentTraceId())
          for (const event of ['finish', 'close', 'prefinish']) res.on(event, note)
          req.on('end', note)
          pending.push(once(res, 'close'))
          // The answer to the second request waits in memory until the first one is through.
          setTimeout(
            () => {
              res.write('one', note)
              res.write('two', 'utf8', note)
              res.end('three', note)
            },
            req.params.id === 'a' ? 20 : 0,
          )
        })
        const { port: tcpPort } = await start(app)
        const client = await rawConnect(tcpPort)
        client.socket.write(
          ['a', 'b'].map((id) => `GET /${id} HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID(id))}\r\n\r\n`).join(''),
        )
        await client.until('0\r\n\r\n', 2)
        await Promise.all(pending)
        client.socket.destroy()
        for (const id of ['a', 'b']) {
          expect(seen[id], id).to.have.length(7)
          expect([...new Set(seen[id])], id).to.deep.equal([ID(id)])
        }
      })

      it('is right when the request or the response times out', async () => {
        const app = traced()
        const seen: (string | undefined)[] = []
        app.post('/', (req, res) => {
          req.setTimeout(5, () => seen.push(currentTraceId()))
          res.setTimeout(5, () => {
            seen.push(currentTraceId())
            res.status(408).end()
          })
        })
        const { port: tcpPort } = await start(app)
        const client = await rawConnect(tcpPort)
        client.socket.write(`POST / HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('d'))}\r\ncontent-length: 9\r\n\r\nhe`)
        await client.until('408')
        client.socket.destroy()
        expect(seen).to.deep.equal([ID('d'), ID('d')])
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
        const { origin, port: tcpPort } = await start(app)
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

      it('is right for server-sent events until the client closes, and one span tells of the whole stream', async () => {
        const app = traced()
        const seen: (string | undefined)[] = []
        app.get('/events', (req, res) => {
          res.writeHead(200, { 'content-type': 'text/event-stream' })
          const timer = setInterval(() => {
            seen.push(currentTraceId())
            res.write('data: x\n\n')
          }, 1)
          req.on('close', () => {
            clearInterval(timer)
            seen.push(currentTraceId())
          })
        })
        const { port: tcpPort } = await start(app)
        const client = await rawConnect(tcpPort)
        client.socket.write(`GET /events?token=s HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('1'))}\r\n\r\n`)
        await client.until('data: x', 3)
        expect(port.spans()).to.have.length(0)
        client.socket.destroy()
        const [span] = await port.spanCount(1)
        expect([...new Set(seen)]).to.deep.equal([ID('1')])
        expect(span).to.include({ name: 'GET /events', outcome: 'aborted', status: 200 })
      })
    })
  })
}
