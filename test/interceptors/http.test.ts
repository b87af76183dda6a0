import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { currentTrace, extractTrace, runWithTrace, type TraceContext, withSpan } from 'tracelane'
import { traceHttp } from 'tracelane/interceptors/http'
import { currentScope } from '../../lib/context'
import { eventOf, tempFolder } from '../support'
import { type EchoServer, ourHeaders, type Seen, serveEcho } from '../support/echo-server'
import { serve } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'

const ID = 'a'.repeat(32)
const CALLER = extractTrace({ traceparent: `00-${ID}-00f067aa0ba902b7-01`, baggage: 'user=ann' }) as TraceContext
const inTrace = <R>(fn: () => R): R => runWithTrace(CALLER, fn)
const traced = traceHttp()

const read = (req: http.ClientRequest): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    req.on('error', reject)
    req.on('response', (res) =>
      res
        .on('error', reject)
        .on('end', () => resolve(res))
        .resume(),
    )
    req.end()
  })
const failing = (req: http.ClientRequest): Promise<Error> => new Promise((resolve) => req.on('error', resolve).end())

describe('traceHttp()', () => {
  let echo: EchoServer
  let port: PortEvents

  beforeEach(async () => {
    echo = await serveEcho()
    port = listenToPort()
  })

  afterEach(async () => {
    port.stop()
    await echo.close()
  })

  const last = (): Seen => echo.seen.at(-1) as Seen

  describe('request()', () => {
    const forms: Readonly<Record<string, () => http.ClientRequest>> = {
      'a text': () => traced.request(`${echo.origin}/a?b=1`),
      'a URL': () => traced.request(new URL(`${echo.origin}/a?b=1`)),
      'a URL of another realm': () => {
        const { href, protocol, hostname, host, port, pathname, search, origin, hash, username, password } = new URL(
          `${echo.origin}/a?b=1`,
        )
        const foreign = { href, protocol, hostname, host, port, pathname, search, origin, hash, username, password }
        return traced.request(Object.create(foreign))
      },
      'a text and options': () => traced.request(`${echo.origin}/x`, { path: '/a?b=1' }),
      options: () => traced.request({ host: '127.0.0.1', port: echo.port, path: '/a?b=1' }),
      'a text and a callback': () => traced.request(`${echo.origin}/a?b=1`, () => undefined),
      'a URL, options and a callback': () => traced.request(new URL(`${echo.origin}/a?b=1`), { headers: {} }, () => undefined),
      'headers as a flat list': () =>
        traced.request(`${echo.origin}/a?b=1`, { headers: ['Host', 'h', 'X-A', '1'] as unknown as http.OutgoingHttpHeaders }),
      'headers as pairs': () =>
        traced.request(`${echo.origin}/a?b=1`, {
          headers: [
            ['Host', 'h'],
            ['X-A', '1'],
          ] as unknown as http.OutgoingHttpHeaders,
        }),
      'headers that are sent at once': () => traced.request(`${echo.origin}/a?b=1`, { headers: { Expect: '100-continue' } }),
    }
    for (const [form, call] of Object.entries(forms)) {
      it(`takes ${form}, and sends the trace with a span of its own`, async () => {
        const parent = await inTrace(async () => {
          await read(call())
          return currentTrace()
        })
        expect(last().path).to.equal('/a')
        const [event] = port.events
        expect(last().headers['traceparent']).to.equal(`00-${ID}-${event?.spanId}-01`)
        expect(last().headers['baggage']).to.equal('user=ann')
        expect(event?.spanId).to.not.equal(parent?.spanId)
        expect(event?.fields?.['parentSpanId']).to.equal(parent?.spanId)
        expect(port.spans()).to.have.length(1)
        expect(port.spans()[0]).to.include({ kind: 'client', name: 'GET /a', outcome: 'ok', status: 200 })
        expect(port.spans()[0]?.peer).to.equal(`127.0.0.1:${echo.port}`)
      })
    }

    it('leaves a valid traceparent of the caller alone in any case and form, and replaces a wrong one', async () => {
      const own = `00-${'b'.repeat(32)}-00f067aa0ba902b7-01`
      await inTrace(() => read(traced.request(echo.origin, { headers: { TraceParent: own } })))
      expect(last().headers['traceparent']).to.equal(own)
      expect(ourHeaders(last())).to.deep.equal(['traceparent'])
      const list = ['Host', 'h', 'Traceparent', 'wrong'] as unknown as http.OutgoingHttpHeaders
      await inTrace(() => read(traced.request(echo.origin, { headers: list })))
      expect(last().headers['traceparent']).to.match(new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`))
    })

    it('changes neither the options of the caller nor the module', async () => {
      const options = { host: '127.0.0.1', port: echo.port, headers: { a: 'b' } }
      const { request } = http
      await inTrace(() => read(traced.request(options)))
      expect(options).to.deep.equal({ host: '127.0.0.1', port: echo.port, headers: { a: 'b' } })
      expect(http.request).to.equal(request)
      expect(traced.Agent).to.equal(http.Agent)
      expect(traced.globalAgent).to.equal(http.globalAgent)
    })

    it('throws what node:http throws', () => {
      expect(() => traced.request('no url'))
        .to.throw(TypeError)
        .with.property('code', 'ERR_INVALID_URL')
      expect(() => traced.request('ftp://host/'))
        .to.throw(TypeError)
        .with.property('code', 'ERR_INVALID_PROTOCOL')
      expect(() => traceHttp(http, { span: true } as never)).to.throw("did you mean 'spans'?")
    })

    it('moves the clock of the trace past that of the reply', async () => {
      echo.replyClock = `${(Date.now() + 60_000).toString(16).padStart(12, '0')}0000`
      const clock = await inTrace(async () => {
        await read(traced.request(echo.origin))
        return currentScope()?.root.clock.toString()
      })
      expect(Number.parseInt((clock as string).slice(0, 12), 16)).to.be.at.least(Date.now() + 50_000)
    })

    it('speaks of the socket file that was called', async () => {
      const socketPath = join(tempFolder(), 's')
      const server = http.createServer((_req, res) => res.end())
      server.listen(socketPath)
      await eventOf(server, 'listening')
      await read(traced.request({ socketPath, path: '/info' }))
      expect(port.spans()[0]).to.include({ name: 'GET /info', peer: `unix:${socketPath}` })
      server.closeAllConnections()
      server.close()
      await eventOf(server, 'close')
    })

    it('emits no span events when spans is false, and is not traced twice', async () => {
      const quiet = traceHttp(http, { spans: false })
      expect(traceHttp(quiet)).to.equal(quiet)
      await inTrace(() => read(quiet.request(echo.origin)))
      expect(last().headers['traceparent']).to.include(ID)
      expect(port.events).to.deep.equal([])
    })
  })

  describe('get()', () => {
    it('ends the request itself, and gives the callback the response', async () => {
      const [res] = await inTrace(async () => {
        const req = traced.get(echo.origin, (res) => void res.resume())
        return (await eventOf(req, 'response')) as [http.IncomingMessage]
      })
      expect(res.statusCode).to.equal(200)
      expect(await port.spanCount(1)).to.have.length(1)
    })

    it('of node:https has the protocol and port of https', async () => {
      const error = await failing(traceHttp(https).request({ host: '127.0.0.1', port: echo.port, path: '/' }))
      expect(error).to.be.an('error')
      expect(port.spans()[0]).to.include({ peer: `127.0.0.1:${echo.port}`, outcome: 'error' })
      expect(() => traceHttp(https).get('http://127.0.0.1/')).to.throw('Protocol "http:" not supported')
    })
  })

  describe('the span', () => {
    const outcomes = () => port.spans().map(({ outcome, status }) => [outcome, status])

    it('fails with a server error', async () => {
      await read(traced.request(`${echo.origin}/status/503`))
      expect(outcomes()).to.deep.equal([['error', 503]])
    })

    it('fails once when the connection breaks before the response', async () => {
      const error = await failing(traced.request(`${echo.origin}/reset`))
      expect(error).to.have.property('code', 'ECONNRESET')
      expect(outcomes()).to.deep.equal([['error', undefined]])
      expect(port.spans()[0]?.error).to.include('socket hang up')
    })

    it('is aborted when the caller gives up, by a signal, by destroy() or by abort()', async () => {
      const controller = new AbortController()
      const request = (signal?: AbortSignal) => traced.request(`${echo.origin}/hang`, signal === undefined ? {} : { signal })
      const calls = [request(controller.signal), request(), request()]
      const failed = calls.map(failing)
      await echo.hanging()
      controller.abort()
      calls[1]?.destroy()
      calls[2]?.abort()
      await Promise.all(failed)
      expect(outcomes()).to.deep.equal(Array(3).fill(['aborted', undefined]))
    })

    it('fails when the time is over, by a signal, by timeout or with an error of the application', async () => {
      const late = traced.request(`${echo.origin}/hang`, { timeout: 20 })
      late.on('timeout', () => late.destroy())
      const own = traced.request(`${echo.origin}/hang`)
      own.setTimeout(20, () => own.destroy(new Error('too slow for me')))
      const signalled = traced.request(`${echo.origin}/hang`, { signal: AbortSignal.timeout(20) })
      await Promise.all([late, own, signalled].map(failing))
      expect(outcomes()).to.deep.equal(Array(3).fill(['error', undefined]))
      const errors = port.spans().map(({ error }) => error)
      expect(errors).to.include('timed out').and.to.include('Error: too slow for me')
    })

    it('is aborted, with its status, when the body of the response breaks off', async () => {
      const half = await serve((_req, res) => {
        res.writeHead(200, { 'content-length': 10 })
        res.write('half', () => res.destroy())
      })
      const error = await read(traced.request(half.origin)).catch((thrown: Error) => thrown)
      expect(error).to.have.property('code', 'ECONNRESET')
      expect(outcomes()).to.deep.equal([['aborted', 200]])
      await half.close()
    })

    it('ends when nobody wants the response', async () => {
      const req = traced.request(echo.origin).end()
      await eventOf(req, 'close')
      expect(outcomes()).to.deep.equal([['ok', 200]])
    })

    it('leaves an error that nobody handles unhandled, and adds no listener', () => {
      const req = traced.request(`${echo.origin}/hang`)
      const bare = http.request(`${echo.origin}/hang`)
      expect(req.eventNames()).to.deep.equal(bare.eventNames())
      expect(() => req.emit('error', new Error('nobody'))).to.throw('nobody')
      for (const one of [req, bare]) one.on('error', () => undefined).destroy()
    })

    it('ends with an upgrade', async () => {
      const server = await serve((_req, res) => res.end())
      server.server.on('upgrade', (_req, socket) => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      })
      const headers = { Connection: 'Upgrade', Upgrade: 'x' }
      const req = inTrace(() => traced.request(server.origin, { headers }).end())
      const [, socket] = (await eventOf(req, 'upgrade')) as [unknown, Socket]
      socket.destroy()
      expect(outcomes()).to.deep.equal([['ok', 101]])
      await server.close()
    })
  })

  it('runs callbacks and every event in the flow of the caller, however the connection came about', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const seen: [string, string | undefined, string][] = []
    const call = (name: string): Promise<void> =>
      runWithTrace(() =>
        withSpan(name, async () => {
          const spanId = currentTrace()?.spanId
          const note = (event: string) => seen.push([`${name} ${event}`, currentTrace()?.spanId, spanId as string])
          await new Promise<void>((resolve) => {
            const req = traced.request(`${echo.origin}/${name}`, { agent, method: 'POST' }, (res) => {
              note('callback')
              for (const event of ['data', 'end', 'close']) res.on(event, () => note(`response ${event}`))
            })
            for (const event of ['socket', 'finish', 'response', 'close']) req.on(event, () => note(event))
            req.on('close', () => resolve())
            req.write('x'.repeat(70_000), () => note('written'))
            req.end('y', () => note('ended'))
          })
        }),
      )
    await Promise.all(['a', 'b', 'c'].map(call))
    agent.destroy()
    expect(new Set(seen.map(([event]) => event)).size).to.equal(3 * 10)
    for (const [event, spanId, expected] of seen) expect(spanId, event).to.equal(expected)
  })

  it('tells of the end in the flow of the caller when another flow gives the call up', async () => {
    const seen: [string, string | undefined][] = []
    const spanId = await inTrace(async () => {
      const req = traced.request(`${echo.origin}/hang`)
      for (const event of ['error', 'close']) req.on(event, () => seen.push([event, currentTrace()?.spanId]))
      req.end()
      await echo.hanging()
      const closed = new Promise((resolve) => req.on('close', resolve))
      runWithTrace(() => req.destroy(new Error('given up')))
      await closed
      return currentTrace()?.spanId
    })
    expect(seen).to.deep.equal([
      ['error', spanId],
      ['close', spanId],
    ])
  })

  it('runs callbacks outside any trace when the call was made there', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const first = inTrace(() => read(traced.request(echo.origin, { agent })))
    const seen: unknown[] = []
    const req = traced.request(echo.origin, { agent }, (res) => void res.on('end', () => seen.push(currentTrace())).resume())
    req.on('close', () => seen.push(currentTrace())).end()
    await first
    await eventOf(req, 'close')
    agent.destroy()
    expect(seen).to.deep.equal([undefined, undefined])
  })
})
