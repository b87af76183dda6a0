import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import express from 'express'
import { currentTrace, extractTrace, runWithTrace, type TraceContext, withSpan } from 'tracelane'
import { type FetchFunction, traceFetch } from 'tracelane/interceptors/fetch'
import { traceMiddleware } from 'tracelane/middleware/express'
import { Agent, MockAgent, Request as UndiciRequest, fetch as undiciFetch } from 'undici'
import { currentScope } from '../../lib/context'
import { type EchoServer, ourHeaders, redirectPath, type Seen, serveEcho } from '../support/echo-server'
import { serve } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'

const ID = 'a'.repeat(32)
const CALLER = extractTrace({ traceparent: `00-${ID}-00f067aa0ba902b7-01`, baggage: 'user=ann' }) as TraceContext
const inTrace = <R>(fn: () => R): R => runWithTrace(CALLER, fn)
const clockIn = (ms: number): string => `${(Date.now() + ms).toString(16).padStart(12, '0')}0000`
const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('did not reject')),
    (error: Error) => error,
  )

type Init = Omit<RequestInit, 'dispatcher'> & { dispatcher?: unknown }
type Traced = (input: string | URL | Request, init?: Init) => Promise<Response>

const BASES: readonly (readonly [string, FetchFunction, typeof globalThis.Request])[] = [
  ['the fetch of Node', globalThis.fetch, globalThis.Request],
  ['the fetch of undici 6', undiciFetch as unknown as FetchFunction, UndiciRequest as unknown as typeof globalThis.Request],
]

for (const [name, base, Request] of BASES) {
  describe(`traceFetch() around ${name}`, () => {
    let echo: EchoServer
    let other: EchoServer
    let port: PortEvents
    const traced = traceFetch(base) as unknown as Traced

    beforeEach(async () => {
      echo = await serveEcho()
      other = await serveEcho()
      port = listenToPort()
    })

    afterEach(async () => {
      port.stop()
      await echo.close()
      await other.close()
    })

    const last = (): Seen => echo.seen.at(-1) as Seen
    const spanIdOf = ({ headers }: Seen): string | undefined => headers['traceparent']?.toString().split('-')[2]

    describe('a call', () => {
      it('carries the trace of the caller with a span of its own', async () => {
        const parent = await inTrace(async () => {
          await traced(`${echo.origin}/orders`)
          return currentTrace()
        })
        expect(last().headers['traceparent']).to.match(new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`))
        expect(last().headers['baggage']).to.equal('user=ann')
        expect(last().headers['tracestate']).to.equal(`tl=${last().headers['tracelane-clock']}`)
        const [event] = port.events
        expect(event).to.include({ traceId: ID, spanId: spanIdOf(last()) })
        expect(event?.fields?.['parentSpanId']).to.equal(parent?.spanId)
      })

      it('starts a trace outside any', async () => {
        await traced(new URL(echo.origin))
        expect(last().headers['traceparent']).to.match(/^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/)
        expect(currentTrace()).to.equal(undefined)
      })

      it('leaves a valid traceparent of the caller alone in every form of headers, and replaces a wrong one', async () => {
        const own = `00-${'b'.repeat(32)}-00f067aa0ba902b7-01`
        const list = [['Traceparent', own]] as [string, string][]
        for (const headers of [{ Traceparent: own }, list, new Headers(list), new Map(list).entries()]) {
          await inTrace(() => traced(echo.origin, { headers: headers as Headers }))
          expect(last().headers['traceparent']).to.equal(own)
          expect(ourHeaders(last())).to.deep.equal(['traceparent'])
        }
        await inTrace(() => traced(echo.origin, { headers: { TraceParent: 'wrong' } }))
        expect(last().headers['traceparent']).to.match(new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`))
      })

      it('keeps the headers of the caller in every form, and does not change them', async () => {
        const list = [
          ['x-mine', '1'],
          ['baggage', 'mine=1'],
        ] as [string, string][]
        const given = new Headers(list)
        for (const headers of [Object.fromEntries(list), list, given, new Map(list).entries()]) {
          await inTrace(() => traced(echo.origin, { headers: headers as Headers }))
          expect(last().headers).to.include({ 'x-mine': '1', baggage: 'mine=1' })
          expect(last().headers['traceparent']).to.include(ID)
        }
        expect([...given.keys()]).to.deep.equal(['baggage', 'x-mine'])
      })

      it('sends bodies as without us: text, stream and form', async () => {
        const large = await inTrace(() => traced(echo.origin, { method: 'POST', body: 'x'.repeat(70_000) }))
        expect(await large.text()).to.have.length(70_000)
        expect(last().body).to.have.length(70_000)
        const stream = new Blob(['stre', 'amed']).stream()
        await inTrace(() => traced(echo.origin, { method: 'POST', body: stream, duplex: 'half' } as RequestInit))
        expect(last().body).to.equal('streamed')
        await inTrace(() => traced(echo.origin, { method: 'POST', body: new URLSearchParams({ a: '1' }) }))
        expect(last()).to.include({ body: 'a=1' })
        expect(last().headers['content-type']).to.match(/^application\/x-www-form-urlencoded/)
        expect(last().headers['traceparent']).to.include(ID)
      })
    })

    describe('a redirect', () => {
      it('to another host carries nothing of ours, and what the caller set as it is', async () => {
        await inTrace(() => traced(echo.origin + redirectPath([`${other.otherOrigin}/final`]), { headers: { 'x-mine': '1' } }))
        expect(ourHeaders(last())).to.have.length(4)
        expect(other.seen.map(ourHeaders)).to.deep.equal([[]])
        expect(other.seen[0]?.headers['x-mine']).to.equal('1')
      })

      it('to another port or name of the same machine carries nothing of ours', async () => {
        await inTrace(() => traced(echo.origin + redirectPath([`${other.origin}/final`])))
        await inTrace(() => traced(echo.origin + redirectPath([`http://localhost:${echo.port}/final`])))
        expect(other.seen.map(ourHeaders)).to.deep.equal([[]])
        expect(last().path).to.equal('/final')
        expect(ourHeaders(last())).to.deep.equal([])
      })

      it('to the same host carries the trace, with a later clock', async () => {
        const init = { method: 'POST', body: 'body' }
        await inTrace(() => traced(echo.origin + redirectPath([`${echo.origin}/x`, `${echo.origin}/final`], 307), init))
        expect(echo.seen).to.have.length(3)
        expect(last()).to.include({ path: '/final', body: 'body' })
        expect(new Set(echo.seen.map(({ headers }) => headers['traceparent'])).size).to.equal(1)
        const clocks = echo.seen.map(({ headers }) => String(headers['tracelane-clock']))
        expect(clocks).to.deep.equal([...clocks].sort())
        expect(new Set(clocks).size).to.equal(3)
        for (const seen of echo.seen) expect(ourHeaders(seen)).to.have.length(4)
      })

      it('leads over a stranger back home with the trace, and past two strangers with nothing', async () => {
        const path = redirectPath([`${other.origin}/x`, `${echo.origin}/x`, `${other.origin}/end`])
        await inTrace(() => traced(echo.origin + path))
        expect(other.seen.map(ourHeaders)).to.deep.equal([[], []])
        expect(echo.seen.map((seen) => ourHeaders(seen).length)).to.deep.equal([4, 4])
      })

      it('moves the clock by the last reply alone, because fetch shows no other', async () => {
        const clock = clockIn(60_000)
        const hop = await serve((req, res) => {
          if (req.url === '/first') res.writeHead(302, { location: '/last', 'tracelane-clock': clock })
          res.end()
        })
        await inTrace(async () => {
          await traced(`${hop.origin}/first`)
          withSpan('after', () => undefined)
        })
        await hop.close()
        expect(String(port.events.at(-1)?.hlc) < clock).to.equal(true)
      })

      it('leaves the clock alone that a stranger replies', async () => {
        other.replyClock = clockIn(600_000)
        await inTrace(async () => {
          await traced(echo.origin + redirectPath([`${other.origin}/final`]))
          withSpan('after', () => undefined)
        })
        expect(String(port.events.at(-1)?.hlc) < other.replyClock).to.equal(true)
      })
    })

    describe('a Request object', () => {
      it('is sent with its method, headers, body and referrer, is used up, and is not changed', async () => {
        const headers = { 'x-mine': '1' }
        const referrer = 'http://referrer.example/page'
        const request = new Request(`${echo.origin}/r`, { method: 'POST', body: 'text', headers, referrer })
        await inTrace(() => traced(request))
        const ours = last()
        await (base as Traced)(new Request(`${echo.origin}/r`, { method: 'POST', body: 'text', headers, referrer }))
        expect(ours).to.include({ method: 'POST', body: 'text', path: '/r' })
        // The fetch of Node 24 forgets the referrer of a Request when it is called with nothing else.
        const { referer = 'http://referrer.example/', ...theirs } = last().headers
        expect(ours.headers).to.include({ ...theirs, referer, 'x-mine': '1' })
        expect(request.bodyUsed).to.equal(true)
        expect([...request.headers.keys()].filter((key) => key.startsWith('trace'))).to.deep.equal([])
      })

      it('leaks nothing on a redirect, and gives way to init as without us', async () => {
        const request = new Request(echo.origin + redirectPath([`${other.origin}/final`]), { headers: { a: '1' } })
        await inTrace(() => traced(request, { headers: { b: '2' } }))
        expect(last().headers).to.include({ b: '2' }).and.not.have.property('a')
        expect(ourHeaders(last())).to.have.length(4)
        expect(other.seen.map(ourHeaders)).to.deep.equal([[]])
      })

      it('may be the init of another call', async () => {
        const init = new Request(`${echo.origin}/old`, { method: 'POST', body: 'text', headers: { 'x-mine': '1' } })
        await inTrace(() => traced(`${echo.origin}/new`, init as Init))
        expect(last()).to.include({ method: 'POST', body: 'text', path: '/new' })
        expect(last().headers).to.include({ 'x-mine': '1' })
        expect(last().headers['traceparent']).to.include(ID)
      })

      it('with a valid traceparent of its own is left alone', async () => {
        const own = `00-${'b'.repeat(32)}-00f067aa0ba902b7-01`
        await inTrace(() => traced(new Request(echo.origin, { headers: { traceparent: own } })))
        expect(ourHeaders(last())).to.deep.equal(['traceparent'])
        expect(last().headers['traceparent']).to.equal(own)
      })

      it('that is aborted rejects with its reason', async () => {
        const controller = new AbortController()
        const pending = rejection(traced(new Request(`${echo.origin}/hang`, { signal: controller.signal })))
        await echo.hanging()
        controller.abort(new Error('enough'))
        expect((await pending).message).to.equal('enough')
        expect((await port.spanCount(1))[0]).to.include({ outcome: 'aborted' })
      })
    })

    describe('the reply', () => {
      it('is a Response as without us, and moves the clock of the trace, whatever its status', async () => {
        echo.replyClock = clockIn(60_000)
        await inTrace(async () => {
          const response = await traced(`${echo.origin}/status/404`, { method: 'POST', body: 'hello' })
          expect(response).to.include({ status: 404, ok: false })
          expect(await response.text()).to.equal('hello')
          withSpan('after', () => undefined)
        })
        expect(port.events).to.have.length(2)
        for (const { hlc } of port.events) expect(hlc > (echo.replyClock as string)).to.equal(true)
      })

      it('sorts what gateway, callee and gateway log in causal order, though the callee has a fast clock', async () => {
        const app = express()
        app.use(traceMiddleware())
        app.get('/work', (_req, res) => {
          currentScope()?.root.clock.receive(clockIn(60_000), Date.now())
          withSpan('callee', () => undefined)
          res.end()
        })
        const callee = await serve(app)
        await inTrace(async () => {
          withSpan('before', () => undefined)
          await (await traced(`${callee.origin}/work`)).text()
          withSpan('after', () => undefined)
        })
        await callee.close()
        const named = ['before', 'callee', 'after'].map((what) => port.events.find(({ msg }) => msg.startsWith(what)))
        const clocks = named.map((event) => event?.hlc as string)
        expect(clocks).to.deep.equal([...clocks].sort())
        expect(clocks[1]?.slice(0, 12).localeCompare(clockIn(50_000).slice(0, 12))).to.equal(1)
      })
    })

    describe('the span event', () => {
      it('has method, path without query, status and peer', async () => {
        await traced(`${echo.origin}/orders/7?secret=1`, { method: 'delete' })
        const [span] = await port.spanCount(1)
        expect(span).to.include({ kind: 'client', name: 'DELETE /orders/7', outcome: 'ok', status: 200 })
        expect(span?.peer).to.equal(`127.0.0.1:${echo.port}`)
      })

      it('says error for 500, and for no response why, and the call rejects as without us', async () => {
        await traced(`${echo.origin}/status/500`)
        const ours = await rejection(traced(`${echo.origin}/reset`))
        const theirs = await rejection((base as Traced)(`${echo.origin}/reset`))
        expect([ours.name, ours.message]).to.deep.equal([theirs.name, theirs.message])
        const [broken, reset] = await port.spanCount(2)
        expect(broken).to.include({ outcome: 'error', status: 500 })
        expect(reset).to.include({ outcome: 'error', status: undefined })
        expect(reset?.error).to.include('fetch failed').and.include('other side closed')
      })

      it('says aborted for a call that is cancelled and error for one that timed out', async () => {
        const controller = new AbortController()
        const pending = rejection(traced(`${echo.origin}/hang`, { signal: controller.signal }))
        await echo.hanging()
        controller.abort()
        expect((await pending).name).to.equal('AbortError')
        expect((await rejection(traced(`${echo.origin}/hang`, { signal: AbortSignal.timeout(20) }))).name).to.equal(
          'TimeoutError',
        )
        const spans = await port.spanCount(2)
        expect(spans.map(({ outcome }) => outcome)).to.deep.equal(['aborted', 'error'])
      })

      it('is not made for what is no HTTP call, which goes its way untouched', async () => {
        expect(await (await traced('data:,hello')).text()).to.equal('hello')
        const bad = [
          [],
          ['not a url'],
          [echo.origin, { headers: { 'bad name': 'x' } }],
          [echo.origin, { method: 'B AD' }],
        ] as unknown as Parameters<Traced>[]
        for (const args of bad) {
          const ours = await rejection(traced(...args))
          const theirs = await rejection((base as Traced)(...args))
          expect([ours.name, ours.message]).to.deep.equal([theirs.name, theirs.message])
        }
        expect(port.spans().filter(({ name }) => !name.startsWith('B AD'))).to.deep.equal([])
      })
    })

    it('runs the continuation in the flow of the caller, also when two calls are interleaved', async () => {
      const run = (digit: string): Promise<(string | undefined)[]> =>
        runWithTrace(extractTrace({ traceparent: `00-${digit.repeat(32)}-00f067aa0ba902b7-01` }), async () => {
          const before = currentTrace()?.spanId
          const response = await traced(`${echo.origin}/${digit}`, { method: 'POST', body: 'x'.repeat(70_000) })
          const after = currentTrace()?.spanId
          await response.text()
          return [before, after, currentTrace()?.spanId]
        })
      for (const seen of await Promise.all(['b', 'c'].map(run))) expect(new Set(seen).size).to.equal(1)
      for (const { path, headers } of echo.seen) expect(headers['traceparent']).to.include(path.slice(1).repeat(32))
    })
  })
}

describe('traceFetch()', () => {
  let port: PortEvents

  beforeEach(() => {
    port = listenToPort()
  })

  afterEach(() => port.stop())

  const undici = traceFetch(undiciFetch as unknown as FetchFunction) as unknown as Traced

  it('sends through the dispatcher of the caller', async () => {
    const echo = await serveEcho()
    const agent = new Agent({ connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) } })
    await inTrace(() => undici(`http://nowhere.example:${echo.port}/x`, { dispatcher: agent }))
    await agent.close()
    expect(echo.seen[0]?.host).to.equal(`nowhere.example:${echo.port}`)
    expect(echo.seen[0]?.headers['traceparent']).to.include(ID)
    await echo.close()
  })

  it('works with a MockAgent, which sees our headers and the body of the caller', async () => {
    const mock = new MockAgent()
    mock.disableNetConnect()
    let seen: unknown
    const reply = (options: { headers?: unknown; body?: unknown }) => {
      seen = options
      return 'mocked'
    }
    mock.get('http://shop.example').intercept({ path: '/x', method: 'POST', body: 'hello' }).reply(200, reply)
    const response = await inTrace(() => undici('http://shop.example/x', { method: 'POST', body: 'hello', dispatcher: mock }))
    expect(await response.text()).to.equal('mocked')
    expect(JSON.stringify((seen as { headers: unknown }).headers)).to.include(ID)
    await mock.close()
  })

  it('sets the headers on the request for a fetch that knows no dispatchers', async () => {
    const calls: [unknown, Init | undefined][] = []
    const mock = async (input: unknown, init?: Init): Promise<{ status: number }> => {
      calls.push([input, init])
      return { status: 204 }
    }
    const traced = traceFetch(mock as unknown as FetchFunction) as unknown as Traced
    expect(await inTrace(() => traced('http://shop.example/x', { headers: { a: '1' }, method: 'PUT' }))).to.deep.equal({
      status: 204,
    })
    const [input, init] = calls[0] as [string, Init]
    expect(input).to.equal('http://shop.example/x')
    expect(init.method).to.equal('PUT')
    expect(new Headers(init.headers).get('traceparent')).to.include(ID)
    expect(new Headers(init.headers).get('a')).to.equal('1')
    expect(port.spans()[0]).to.include({ name: 'PUT /x', status: 204, outcome: 'ok', peer: 'shop.example:80' })
  })

  it('takes the global fetch of the moment in which it is called, and wraps its own result only once', async () => {
    const echo = await serveEcho()
    const { fetch } = globalThis
    const traced = traceFetch()
    expect(traced.name).to.equal('fetch')
    expect(traceFetch(traced)).to.equal(traced)
    globalThis.fetch = traced
    try {
      await inTrace(() => globalThis.fetch(echo.origin))
    } finally {
      globalThis.fetch = fetch
    }
    await turn()
    expect(echo.seen[0]?.headers['traceparent']).to.include(ID)
    expect(port.spans()).to.have.length(1)
    await echo.close()
  })

  it('emits no span events when spans is false, and refuses options that it does not know', async () => {
    const echo = await serveEcho()
    await inTrace(() => traceFetch(undefined, { spans: false })(echo.origin))
    expect(echo.seen[0]?.headers['traceparent']).to.include(ID)
    expect(port.events).to.deep.equal([])
    expect(() => traceFetch(fetch, { span: true } as never)).to.throw("did you mean 'spans'?")
    await echo.close()
  })
})
