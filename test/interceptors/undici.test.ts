import { expect } from 'chai'
import { currentTrace, currentTraceId, extractTrace, runWithTrace, type TraceContext, withSpan } from 'tracelane'
import { traceFetch } from 'tracelane/interceptors/fetch'
import { traceDispatcher } from 'tracelane/interceptors/undici'
import type * as Undici from 'undici'
import { currentScope } from '../../lib/context'
import { requires } from '../support'
import { type EchoServer, ourHeaders, redirectPath, type Seen, serveEcho } from '../support/echo-server'
import { serve } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'

type Module = typeof Undici

const ID = 'a'.repeat(32)
const CALLER = extractTrace({ traceparent: `00-${ID}-00f067aa0ba902b7-01`, baggage: 'user=ann' }) as TraceContext
const inTrace = <R>(fn: () => R): R => runWithTrace(CALLER, fn)

const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
const VERSIONS = [
  ['undici', 6, true],
  ['undici7', 7, true],
  ['undici8', 8, major > 22 || (major === 22 && minor >= 19)],
] as const

for (const [name, version, runs] of VERSIONS) {
  describe(`traceDispatcher() in undici ${version}`, () => {
    let undici: Module
    let agent: Undici.Dispatcher
    let base: Undici.Agent
    let echo: EchoServer
    let other: EchoServer
    let port: PortEvents

    before(function () {
      requires(this, `Node.js for undici ${version}`, runs)
      undici = require(name) as Module
    })

    beforeEach(async () => {
      echo = await serveEcho()
      other = await serveEcho()
      port = listenToPort()
      base = new undici.Agent()
      agent = base.compose(traceDispatcher())
    })

    afterEach(async () => {
      port.stop()
      await base.destroy()
      await echo.close()
      await other.close()
    })

    const last = (): Seen => echo.seen.at(-1) as Seen
    const outcomes = () => port.spans().map(({ outcome, status }) => [outcome, status])
    const get = async (url: string, options: object = {}): Promise<Undici.Dispatcher.ResponseData> => {
      const reply = await undici.request(url, { dispatcher: agent, ...options })
      await reply.body.text()
      return reply
    }

    const headers: Readonly<Record<string, object>> = {
      none: {},
      'a record': { headers: { 'X-A': '1', b: ['2', '3'] } },
      'a flat list': { headers: ['X-A', '1', 'b', '2', 'b', '3'] },
      'an iterable': { headers: new Map([['X-A', '1']]) },
    }
    for (const [form, options] of Object.entries(headers)) {
      it(`adds the trace, with a span of its own, to headers given as ${form}`, async () => {
        const before = JSON.stringify(options)
        const parent = await inTrace(async () => {
          await get(`${echo.origin}/a?b=1`, options)
          return currentTrace()
        })
        const [event] = port.events
        expect(last().headers['traceparent']).to.equal(`00-${ID}-${event?.spanId}-01`)
        expect(last().headers['baggage']).to.equal('user=ann')
        if (form !== 'none') expect(last().headers).to.have.property('x-a', '1')
        expect(event?.fields?.['parentSpanId']).to.equal(parent?.spanId)
        expect(port.spans()).to.have.length(1)
        expect(port.spans()[0]).to.include({ kind: 'client', name: 'GET /a', outcome: 'ok', status: 200 })
        expect(port.spans()[0]?.peer).to.equal(`127.0.0.1:${echo.port}`)
        expect(JSON.stringify(options)).to.equal(before)
      })
    }

    for (const kind of ['Client', 'Pool'] as const) {
      it(`adds the trace to the calls of a ${kind}, which need not name its origin`, async () => {
        const made = new undici[kind](echo.origin)
        const client = made.compose(traceDispatcher())
        await inTrace(async () => (await client.request({ method: 'GET', path: '//a?b=1' })).body.text())
        await made.close()
        expect(last().headers['traceparent']).to.equal(`00-${ID}-${port.events[0]?.spanId}-01`)
        expect(port.spans()).to.have.length(1)
        expect(port.spans()[0]).to.include({ kind: 'client', name: 'GET /a', outcome: 'ok', status: 200 })
        expect(port.spans()[0]?.peer).to.equal(version < 8 ? undefined : `127.0.0.1:${echo.port}`)
      })

      // undici 8 names it itself
      it(`adds nothing to the calls of a ${kind} whose origin it does not know, where there is an allow-list`, async () => {
        const made = new undici[kind](echo.origin)
        const client = made.compose(traceDispatcher({ targets: [`127.0.0.1:${echo.port}`] }))
        const seen: string[][] = []
        for (const origin of [{}, { origin: echo.origin }]) {
          await inTrace(async () => (await client.request({ method: 'GET', path: '/', ...origin })).body.text())
          seen.push(ourHeaders(last()))
        }
        await made.close()
        if (version < 8) expect(seen[0]).to.deep.equal([])
        else expect(seen[0]).to.include('traceparent')
        expect(seen[1]).to.include('traceparent')
      })
    }

    it('leaves a valid traceparent of the caller alone', async () => {
      const own = `00-${'b'.repeat(32)}-00f067aa0ba902b7-01`
      await inTrace(() => get(echo.origin, { headers: ['Traceparent', own] }))
      expect(last().headers['traceparent']).to.equal(own)
      expect(ourHeaders(last())).to.deep.equal(['traceparent'])
    })

    it('moves the clock of the trace past that of the reply', async () => {
      echo.replyClock = `${(Date.now() + 60_000).toString(16).padStart(12, '0')}0000`
      const clock = await inTrace(async () => {
        await get(echo.origin)
        return currentScope()?.root.clock.toString()
      })
      expect(Number.parseInt((clock as string).slice(0, 12), 16)).to.be.at.least(Date.now() + 50_000)
    })

    it('refuses wrong options, and lets undici refuse wrong headers', async () => {
      expect(() => traceDispatcher({ span: true } as never)).to.throw("did you mean 'spans'?")
      const error = await get(echo.origin, { headers: ['odd'] }).catch((thrown: Error) => thrown)
      expect(error).to.have.property('code', 'UND_ERR_INVALID_ARG')
    })

    it('emits no span events when spans is false', async () => {
      agent = base.compose(traceDispatcher({ spans: false }))
      await inTrace(() => get(echo.origin))
      expect(last().headers['traceparent']).to.include(ID)
      expect(port.events).to.deep.equal([])
    })

    it('is not a second span when traceFetch uses the dispatcher', async () => {
      const fetch = traceFetch(undici.fetch as never) as unknown as (url: string, init: object) => Promise<Response>
      await inTrace(async () => (await fetch(echo.origin, { dispatcher: agent })).text())
      expect(port.spans()).to.have.length(1)
      expect(last().headers['traceparent']).to.include(port.events[0]?.spanId)
    })

    it('traces once when it is composed twice', async () => {
      agent = base.compose(traceDispatcher(), traceDispatcher())
      await inTrace(() => get(echo.origin))
      expect(port.spans()).to.have.length(1)
      expect(last().headers['traceparent']).to.equal(`00-${ID}-${port.events[0]?.spanId}-01`)
    })

    describe('a redirect', () => {
      beforeEach(() => {
        agent = base.compose(traceDispatcher(), undici.interceptors.redirect({ maxRedirections: 3 }))
      })

      it('to the same host is one span, with fresh headers on each hop', async () => {
        const reply = await inTrace(() => get(`${echo.origin}${redirectPath([`${echo.origin}/end`])}`))
        expect(reply.statusCode).to.equal(200)
        expect(outcomes()).to.deep.equal([['ok', 200]])
        expect(echo.seen).to.have.length(2)
        for (const { headers } of echo.seen) expect(headers['traceparent']).to.include(port.events[0]?.spanId)
        const [first, second] = echo.seen.map(({ headers }) => String(headers['tracelane-clock'])) as [string, string]
        expect(second > first, `${second} after ${first}`).to.equal(true)
      })

      it('takes nothing of ours to another host', async () => {
        await inTrace(() => get(`${echo.origin}${redirectPath([`${other.origin}/end`])}`, { headers: { 'x-a': '1' } }))
        expect(outcomes()).to.deep.equal([['ok', 200]])
        expect(other.seen).to.have.length(1)
        expect(ourHeaders(other.seen[0] as Seen)).to.deep.equal([])
        expect(other.seen[0]?.headers).to.have.property('x-a', '1')
      })
    })

    it('gives each attempt of a retry a span of its own', async () => {
      const retry = undici.interceptors.retry({ maxRetries: 1, minTimeout: 1, statusCodes: [503] })
      for (const order of [
        [traceDispatcher(), retry],
        [retry, traceDispatcher()],
      ]) {
        agent = base.compose(order)
        await inTrace(() => get(`${echo.origin}/status/503`).catch(() => undefined))
      }
      const ids = echo.seen.map(({ headers }) => headers['traceparent'])
      expect(ids).to.have.length(4)
      expect(ids[1]).to.not.equal(ids[0])
      for (const id of ids) expect(id).to.include(ID)
    })

    describe('the span', () => {
      it('fails with a server error, and when the connection breaks', async () => {
        await get(`${echo.origin}/status/503`)
        await get(`${echo.origin}/reset`).catch(() => undefined)
        expect(outcomes()).to.deep.equal([
          ['error', 503],
          ['error', undefined],
        ])
        expect(port.spans()[1]?.error).to.include('other side closed')
      })

      it('is aborted when the caller gives up, and fails when the time is over', async () => {
        const controller = new AbortController()
        const given = get(`${echo.origin}/hang`, { signal: controller.signal }).catch(() => undefined)
        await echo.hanging()
        controller.abort()
        await given
        await get(`${echo.origin}/hang`, { signal: AbortSignal.timeout(20) }).catch(() => undefined)
        expect(outcomes()).to.deep.equal([
          ['aborted', undefined],
          ['error', undefined],
        ])
      })

      it('is aborted, with its status, when the body of the response breaks off', async () => {
        const half = await serve((_req, res) => {
          res.writeHead(200, { 'content-length': 10 })
          res.write('half', () => res.destroy())
        })
        await get(half.origin).catch(() => undefined)
        expect(outcomes()).to.deep.equal([['aborted', 200]])
        await half.close()
      })

      it('ends with an upgrade', async () => {
        const server = await serve((_req, res) => res.end())
        server.server.on('upgrade', (_req, socket) => {
          socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
        })
        const { socket } = await undici.upgrade(server.origin, { dispatcher: agent, protocol: 'x' })
        socket.destroy()
        expect(outcomes()).to.deep.equal([['ok', 101]])
        await server.close()
      })
    })

    it('calls handlers back in the flow of the caller, on a connection that another opened', async () => {
      await base.destroy()
      base = new undici.Agent({ connections: 1, pipelining: 1 })
      agent = base.compose(traceDispatcher())
      const seen: [string, string | undefined][] = []
      const call = (): Promise<unknown> =>
        withSpan('call', async () => {
          const id = currentTraceId() as string
          const factory = ({ statusCode }: { statusCode: number }) => {
            seen.push([id, currentTraceId()])
            expect(statusCode).to.equal(200)
            return new (require('node:stream').PassThrough)().resume()
          }
          await undici.stream(echo.origin, { dispatcher: agent, method: 'GET' }, factory)
        })
      await Promise.all([call(), call(), call()])
      expect(seen).to.have.length(3)
      for (const [id, found] of seen) expect(found).to.equal(id)
    })
  })
}

describe('traceDispatcher() before the maxRedirections of undici 6', () => {
  it('sends no header, because undici would take it to any host', async () => {
    const { Agent, request } = require('undici') as Module
    const [echo, other] = [await serveEcho(), await serveEcho()]
    const base = new Agent()
    const dispatcher = base.compose(traceDispatcher())
    const url = `${echo.origin}${redirectPath([`${other.origin}/end`])}`
    const reply = await inTrace(() => request(url, { dispatcher, maxRedirections: 2 }))
    await reply.body.text()
    expect(reply.statusCode).to.equal(200)
    expect([...echo.seen, ...other.seen].map(ourHeaders)).to.deep.equal([[], []])
    await base.destroy()
    await echo.close()
    await other.close()
  })
})
