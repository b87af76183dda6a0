import { once } from 'node:events'
import { Agent } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { currentTraceId } from 'tracelane'
import { traceUpgrade } from 'tracelane/middleware/http'
import { type Answer, call, traceparent } from '../../support/call'
import type { Framework } from '../../support/frameworks'
import { rawConnect } from '../../support/raw-http'
import { harnessOf, ID } from './harness'

/** The context in every flow and event of a request. */
export function describeFlows(framework: Framework): void {
  describe(`the context on ${framework.name}`, () => {
    const harness = harnessOf(framework)

    it('stays with its request when users are interleaved over keep-alive sockets, with large bodies', async () => {
      let arrived = 0
      let open = (): void => undefined
      let both = Promise.resolve()
      const { origin } = await harness.start({
        parse: true,
        post: {
          '/': async ({ body, res }) => {
            const seen = [currentTraceId()]
            if (++arrived % 2 === 0) open()
            await both
            seen.push(currentTraceId())
            await turn()
            seen.push(currentTraceId(), await new Promise((resolve) => setTimeout(() => resolve(currentTraceId()), 1)))
            res.on('finish', () => seen.push(currentTraceId()))
            return { seen, size: JSON.stringify(body).length }
          },
        },
      })
      const agent = new Agent({ keepAlive: true, maxSockets: 2 })
      const body = JSON.stringify({ text: 'x'.repeat(100_000) })
      const post = (id: string): Promise<Answer> => {
        const headers = { 'content-type': 'application/json', traceparent: traceparent(id) }
        return call(origin, { method: 'POST', agent, headers }, body)
      }
      for (let round = 0; round < 3; round++) {
        both = new Promise<void>((resolve) => {
          open = resolve
        })
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
      const seen = new Map<string, string | undefined>()
      const note = (event: string) => (): void => void seen.set(event, currentTraceId())
      let closed: Promise<unknown> = Promise.resolve()
      let arrive = (): void => undefined
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve
      })
      const { port } = await harness.start({
        post: {
          '/': ({ req, res }) => {
            for (const event of ['aborted', 'error', 'close', 'data']) req.on(event, note(`req ${event}`))
            res.on('close', note('res close'))
            closed = Promise.all([once(res, 'close'), new Promise((done) => req.on('close', done))])
            req.once('data', arrive)
          },
        },
      })
      const { socket } = await rawConnect(port)
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('c'))}\r\ncontent-length: 99\r\n\r\nhello`)
      await arrived
      socket.destroy()
      await closed
      expect([...seen.keys()].sort()).to.deep.equal(['req aborted', 'req close', 'req data', 'req error', 'res close'])
      expect([...new Set(seen.values())]).to.deep.equal([ID('c')])
      const [span] = await harness.port.spanCount(1)
      expect(span).to.include({ kind: 'server', name: 'POST /', outcome: 'aborted', status: undefined })
      expect(harness.port.ends).to.deep.equal([{ traceId: ID('c'), failed: true }])
    })

    it('is right in res.write and res.end callbacks and events of pipelined requests', async () => {
      const seen: Record<string, (string | undefined)[]> = {}
      const pending: Promise<unknown>[] = []
      const { port } = await harness.start({
        get: {
          '/:id': ({ req, res, params }) => {
            const id = params['id'] as string
            const list: (string | undefined)[] = []
            seen[id] = list
            const note = (): void => void list.push(currentTraceId())
            for (const event of ['finish', 'close', 'prefinish']) res.on(event, note)
            pending.push(once(res, 'close'))
            if (!req.readableEnded) req.once('end', () => expect(currentTraceId()).to.equal(ID(id)))
            // The answer to the second request waits in memory until the first one is through.
            const answer = (): void => {
              res.write('one', note)
              res.write('two', 'utf8', note)
              res.end('three', note)
            }
            setTimeout(answer, id === 'a' ? 20 : 0)
          },
        },
      })
      const client = await rawConnect(port)
      client.socket.write(
        ['a', 'b'].map((id) => `GET /${id} HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID(id))}\r\n\r\n`).join(''),
      )
      await client.until('0\r\n\r\n', 2)
      await Promise.all(pending)
      client.socket.destroy()
      for (const id of ['a', 'b']) {
        expect(seen[id], id).to.have.length(6)
        expect([...new Set(seen[id])], id).to.deep.equal([ID(id)])
      }
    })

    it('is right when the request or the response times out', async () => {
      const seen: (string | undefined)[] = []
      const { port } = await harness.start({
        post: {
          '/': ({ req, res }) => {
            req.setTimeout(5, () => seen.push(currentTraceId()))
            res.setTimeout(5, () => {
              seen.push(currentTraceId())
              res.statusCode = 408
              res.end()
            })
          },
        },
      })
      const client = await rawConnect(port)
      client.socket.write(`POST / HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('d'))}\r\ncontent-length: 9\r\n\r\nhe`)
      await client.until('408')
      client.socket.destroy()
      expect(seen).to.deep.equal([ID('d'), ID('d')])
      expect((await harness.port.spanCount(1))[0]).to.include({ status: 408 })
    })

    it('is right for server-sent events until the client closes, and one span tells of the whole stream', async () => {
      const seen: (string | undefined)[] = []
      const { port } = await harness.start({
        get: {
          '/events': ({ res }) => {
            res.writeHead(200, { 'content-type': 'text/event-stream' })
            const timer = setInterval(() => {
              seen.push(currentTraceId())
              res.write('data: x\n\n')
            }, 1)
            res.on('close', () => {
              clearInterval(timer)
              seen.push(currentTraceId())
            })
          },
        },
      })
      const client = await rawConnect(port)
      client.socket.write(`GET /events?token=s HTTP/1.1\r\nhost: x\r\ntraceparent: ${traceparent(ID('1'))}\r\n\r\n`)
      await client.until('data: x', 3)
      expect(harness.port.spans()).to.have.length(0)
      client.socket.destroy()
      const [span] = await harness.port.spanCount(1)
      expect([...new Set(seen)]).to.deep.equal([ID('1')])
      expect(span).to.include({ name: 'GET /events', outcome: 'aborted', status: 200 })
    })

    it('is right in all events of a connection that was upgraded beside the framework, beginning with its handshake', async () => {
      const { port, server } = await harness.start({ get: { '/': () => ({ id: currentTraceId() }) } })
      const seen: (string | undefined)[] = []
      server.on(
        'upgrade',
        traceUpgrade((_req, socket) => {
          seen.push(currentTraceId())
          socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
          socket.on('data', (chunk: Buffer) => {
            seen.push(currentTraceId())
            socket.write(chunk)
          })
          socket.on('end', () => socket.end())
          socket.on('close', () => seen.push(currentTraceId()))
        }),
      )
      const client = await rawConnect(port)
      // A request before the upgrade, on the same connection, has a trace of its own
      client.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      await client.until('"id"')
      const answered = client.text().length
      const upgrade = ['GET /live?token=s HTTP/1.1', 'host: x', 'connection: upgrade', 'upgrade: websocket']
      client.socket.write(`${upgrade.join('\r\n')}\r\ntraceparent: ${traceparent(ID('e'))}\r\n\r\n`)
      await client.until('websocket\r\n\r\n')
      client.socket.write('hello')
      await client.until('hello')
      client.socket.end()
      const [, span] = await harness.port.spanCount(2)
      expect(seen).to.deep.equal([ID('e'), ID('e'), ID('e')])
      expect(span).to.include({ name: 'GET /live', method: 'GET', outcome: 'ok' })
      expect(span?.status).to.equal(undefined)
      expect(span?.bytesSent).to.equal(client.text().length - answered)
      expect(client.text().slice(answered)).to.not.contain('x-trace-id')
    })
  })
}
