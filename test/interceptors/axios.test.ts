import { setImmediate as turn } from 'node:timers/promises'
import axios, { AxiosError, AxiosHeaders, type AxiosInstance, type InternalAxiosRequestConfig } from 'axios'
import { expect } from 'chai'
import express from 'express'
import { currentTrace, currentTraceId, extractTrace, runWithTrace, type SpanField, type TraceContext, withSpan } from 'tracelane'
import { traceAxios } from 'tracelane/interceptors/axios'
import { traceMiddleware } from 'tracelane/middleware/express'
import { currentScope } from '../../lib/context'
import { type EchoServer, ourHeaders, redirectPath, type Seen, serveEcho } from '../support/echo-server'
import { serve } from '../support/http-server'
import { listenToPort, type PortEvents } from '../support/port-events'

const ID = 'a'.repeat(32)
const CALLER = extractTrace({ traceparent: `00-${ID}-00f067aa0ba902b7-01`, baggage: 'user=ann' }) as TraceContext
const inTrace = <R>(fn: () => R): R => runWithTrace(CALLER, fn)
const EMPTY = { status: 200, statusText: 'OK', headers: {}, data: '' }
const clockIn = (ms: number): string => `${(Date.now() + ms).toString(16).padStart(12, '0')}0000`

describe('traceAxios()', () => {
  let echo: EchoServer
  let other: EchoServer
  let port: PortEvents
  let api: AxiosInstance

  beforeEach(async () => {
    echo = await serveEcho()
    other = await serveEcho()
    port = listenToPort()
    api = traceAxios(axios.create({ baseURL: echo.origin, validateStatus: (status) => status < 400 }))
  })

  afterEach(async () => {
    port.stop()
    await echo.close()
    await other.close()
  })

  const last = (): Seen => echo.seen.at(-1) as Seen
  const spanIdOf = ({ headers }: Seen): string | undefined => headers['traceparent']?.toString().split('-')[2]

  describe('a request', () => {
    it('carries the trace of the caller with a span of its own', async () => {
      const parent = await inTrace(async () => {
        await api.get('/orders')
        return currentTrace()
      })
      expect(last().headers['traceparent']).to.match(new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`))
      expect(spanIdOf(last())).to.not.equal(parent?.spanId)
      expect(last().headers['baggage']).to.equal('user=ann')
      expect(last().headers['tracestate']).to.equal(`tl=${last().headers['tracelane-clock']}`)
      const [event] = port.events
      expect(event).to.include({ traceId: ID, spanId: spanIdOf(last()) })
      expect(event?.fields?.['parentSpanId']).to.equal(parent?.spanId)
    })

    it('starts a trace outside any', async () => {
      await api.get('/')
      await api.get('/')
      const ids = echo.seen.map(({ headers }) => headers['traceparent']?.toString().slice(3, 35))
      expect(new Set(ids).size).to.equal(2)
      expect(currentTrace()).to.equal(undefined)
    })

    it('leaves a valid traceparent of the caller alone, with all that belongs to it, and replaces a wrong one', async () => {
      const own = `00-${'b'.repeat(32)}-00f067aa0ba902b7-01`
      await inTrace(() => api.get('/', { headers: { Traceparent: own } }))
      expect(last().headers['traceparent']).to.equal(own)
      expect(ourHeaders(last())).to.deep.equal(['traceparent'])
      await inTrace(() => api.get('/', { headers: { traceparent: '00-wrong' } }))
      expect(last().headers['traceparent']).to.include(ID)
    })

    it('keeps a baggage header of the caller', async () => {
      await inTrace(() => api.get('/', { headers: { baggage: 'mine=1' } }))
      expect(last().headers['baggage']).to.equal('mine=1')
      expect(last().headers['traceparent']).to.include(ID)
    })

    it('changes neither the defaults of the instance nor the config of the caller', async () => {
      const config = { headers: { a: 'b' }, beforeRedirect: () => undefined }
      const before = JSON.stringify(api.defaults)
      const { beforeRedirect } = config
      await inTrace(() => api.get('/', config))
      expect(JSON.stringify(api.defaults)).to.equal(before)
      expect(config).to.deep.equal({ headers: { a: 'b' }, beforeRedirect })
    })

    it('is sent in the same turn of the event loop when no interceptor is asynchronous', async () => {
      let dispatched = false
      const adapter = async (config: InternalAxiosRequestConfig) => {
        dispatched = true
        return { data: '', status: 200, statusText: 'OK', headers: {}, config }
      }
      const pending = api.get('/', { adapter })
      expect(dispatched).to.equal(true)
      await pending
    })
  })

  describe('an instance', () => {
    it('is returned as it is, and is traced once however often it is given', async () => {
      expect(traceAxios(api)).to.equal(api)
      await inTrace(() => api.get('/'))
      expect(await port.spanCount(1)).to.have.length(1)
      await turn()
      expect(port.spans()).to.have.length(1)
    })

    it('emits no span events when spans is false', async () => {
      const quiet = traceAxios(axios.create({ baseURL: echo.origin }), { spans: false })
      await inTrace(() => quiet.get('/'))
      expect(last().headers['traceparent']).to.include(ID)
      expect(port.events).to.deep.equal([])
    })

    it('emits span events with the chosen fields alone', async () => {
      const fields: SpanField[] = ['peer']
      const chosen = traceAxios(axios.create({ baseURL: echo.origin }), { spans: fields })
      fields.push('method')
      await chosen.get('/a')
      const [span] = await port.spanCount(1)
      expect(Object.keys(span ?? {}).sort()).to.deep.equal(['durationMs', 'kind', 'name', 'outcome', 'peer'])
      expect(span).to.include({ kind: 'client', name: 'GET /a', outcome: 'ok', peer: `127.0.0.1:${echo.port}` })
      for (const spans of ['peer', ['size'], [7], {}]) {
        expect(() => traceAxios(axios.create(), { spans } as never), JSON.stringify(spans)).to.throw(
          "'spans' must be true, false or a list of status, peer, error, method, route, bytesSent",
        )
      }
    })

    it('refuses options that it does not know', () => {
      expect(() => traceAxios(axios.create(), { span: false } as never)).to.throw("did you mean 'spans'?")
    })
  })

  describe('a retry', () => {
    it('of the same config gets a new span and no second header', async () => {
      const failure = (await inTrace(() => api.get('/status/503').catch((error: unknown) => error))) as AxiosError
      await inTrace(() => api.request({ ...failure.config, url: '/again' }))
      await inTrace(() => api.request(failure.config as InternalAxiosRequestConfig).catch(() => undefined))
      const ids = echo.seen.map(spanIdOf)
      expect(new Set(ids).size).to.equal(3)
      expect(echo.seen.map(({ headers }) => String(headers['tracestate']).split(',').length)).to.deep.equal([1, 1, 1])
      const clocks = echo.seen.map(({ headers }) => headers['tracelane-clock'])
      expect(clocks).to.deep.equal([...clocks].sort())
      expect(await port.spanCount(3)).to.have.length(3)
      expect(port.events.map(({ spanId }) => spanId)).to.deep.equal(ids)
    })

    it('keeps the traceparent that the caller set in between, and in another trace forgets the baggage of the first', async () => {
      const failure = (await inTrace(() => api.get('/status/503').catch((error: unknown) => error))) as AxiosError
      const config = failure.config as InternalAxiosRequestConfig
      await runWithTrace(() => api.request(config).catch(() => undefined))
      expect(last().headers).to.not.have.property('baggage')
      expect(last().headers['traceparent']).to.not.include(ID)
      const own = `00-${'b'.repeat(32)}-00f067aa0ba902b7-01`
      config.headers.set('traceparent', own)
      await inTrace(() => api.request(config).catch(() => undefined))
      expect(last().headers['traceparent']).to.equal(own)
    })

    it('still judges redirects, and calls the beforeRedirect of the caller once per hop', async () => {
      let called = 0
      const beforeRedirect = (): void => void called++
      const url = redirectPath([`${other.otherOrigin}/status/503`])
      const failure = (await inTrace(() => api.get(url, { beforeRedirect }).catch((error: unknown) => error))) as AxiosError
      await inTrace(() => api.request(failure.config as InternalAxiosRequestConfig).catch(() => undefined))
      expect(called).to.equal(2)
      expect(other.seen.map(ourHeaders)).to.deep.equal([[], []])
    })
  })

  for (const adapter of ['http', 'fetch'] as const) {
    describe(`a redirect with the adapter ${adapter}`, () => {
      it('to another host carries nothing of ours, and what the caller set as it is', async () => {
        const target = `${other.otherOrigin}/final`
        await inTrace(() => api.get(redirectPath([target]), { adapter, headers: { 'x-mine': '1' } }))
        expect(ourHeaders(last())).to.have.length(4)
        expect(other.seen.map(ourHeaders)).to.deep.equal([[]])
        expect(other.seen[0]?.headers['x-mine']).to.equal('1')
      })

      it('to another port or name of the same machine carries nothing of ours', async () => {
        await inTrace(() => api.get(redirectPath([`${other.origin}/final`]), { adapter }))
        await inTrace(() => api.get(redirectPath([`http://localhost:${echo.port}/final`]), { adapter }))
        expect(other.seen.map(ourHeaders)).to.deep.equal([[]])
        expect(last().path).to.equal('/final')
        expect(ourHeaders(last())).to.deep.equal([])
      })

      it('to the same host carries the trace, with a later clock', async () => {
        await inTrace(() => api.post(redirectPath([`${echo.origin}/final`], 307), 'body', { adapter }))
        const [first, second] = echo.seen as [Seen, Seen]
        expect(second).to.include({ path: '/final', body: 'body' })
        expect(second.headers['traceparent']).to.equal(first.headers['traceparent'])
        expect(String(second.headers['tracelane-clock']) > String(first.headers['tracelane-clock'])).to.equal(true)
        expect(ourHeaders(second)).to.have.length(4)
      })

      it('leads over a stranger back home with the trace, and past two strangers with nothing', async () => {
        const path = redirectPath([`${other.origin}/x`, `${echo.origin}/x`, `${other.origin}/end`])
        await inTrace(() => api.get(path, { adapter }))
        expect(other.seen).to.have.length(2)
        for (const seen of other.seen) expect(ourHeaders(seen)).to.deep.equal([])
        expect(echo.seen.map((seen) => ourHeaders(seen).length)).to.deep.equal([4, 4])
      })

      it('leaves the clock alone that a stranger replies', async () => {
        other.replyClock = clockIn(600_000)
        const after = await inTrace(async () => {
          await api.get(redirectPath([`${other.origin}/final`]), { adapter })
          return withSpan('after', () => undefined) ?? port.events.at(-1)?.hlc
        })
        expect(String(after) < other.replyClock).to.equal(true)
      })
    })
  }

  describe('the reply', () => {
    for (const [what, path] of [
      ['success', '/'],
      ['an error', '/status/404'],
    ] as const) {
      it(`moves the clock of the trace on ${what}`, async () => {
        echo.replyClock = clockIn(60_000)
        await inTrace(async () => {
          await api.get(path).catch(() => undefined)
          withSpan('after', () => undefined)
        })
        expect(port.events).to.have.length(2)
        for (const { hlc } of port.events) expect(hlc > (echo.replyClock as string)).to.equal(true)
      })
    }

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
        await api.get(`${callee.origin}/work`)
        withSpan('after', () => undefined)
      })
      await callee.close()
      const named = ['before', 'callee', 'after'].map((name) => port.events.find(({ msg }) => msg.startsWith(name)))
      const clocks = named.map((event) => event?.hlc as string)
      expect(clocks).to.deep.equal([...clocks].sort())
      expect(new Set(clocks).size).to.equal(3)
      expect(clocks[1]?.slice(0, 12).localeCompare(clockIn(50_000).slice(0, 12))).to.equal(1)
      expect(new Set(named.map((event) => event?.traceId))).to.deep.equal(new Set([ID]))
    })
  })

  describe('the span event', () => {
    it('has method, path without query, status and peer', async () => {
      await api.get('/orders/7?secret=1', { params: { token: 't' } })
      const [span] = await port.spanCount(1)
      expect(span).to.include({ kind: 'client', name: 'GET /orders/7', method: 'GET', outcome: 'ok', status: 200 })
      expect(span?.peer).to.equal(`127.0.0.1:${echo.port}`)
      expect(span?.durationMs).to.be.greaterThan(0)
    })

    it('says ok for 404 and error for 500, and for no response why', async () => {
      await api.get('/status/404').catch(() => undefined)
      await api.get('/status/500').catch(() => undefined)
      await api.get('/reset').catch(() => undefined)
      const [notFound, broken, reset] = await port.spanCount(3)
      expect(notFound).to.include({ outcome: 'ok', status: 404, error: undefined })
      expect(broken).to.include({ outcome: 'error', status: 500 })
      expect(reset).to.include({ outcome: 'error', status: undefined })
      expect(reset?.error).to.match(/socket hang up|ECONNRESET/)
    })

    it('says aborted, with the status, for a response that breaks off, and none for one without a body', async () => {
      await api.get('/broken').catch(() => undefined)
      await api.head('/status/404').catch(() => undefined)
      await api.head('/status/503').catch(() => undefined)
      const mocked = { adapter: (config: InternalAxiosRequestConfig) => Promise.reject(mock(config)) }
      const mock = (config: InternalAxiosRequestConfig): AxiosError => {
        const headers = new AxiosHeaders()
        const reply = { status: 404, statusText: '', data: undefined, headers, config }
        return new AxiosError('mocked', undefined, config, undefined, reply)
      }
      await api.get('/', mocked).catch(() => undefined)
      const [broken, ...others] = await port.spanCount(4)
      expect(broken).to.include({ outcome: 'aborted', status: 200, error: 'AxiosError: stream has been aborted' })
      expect(others.map(({ outcome, status }) => [outcome, status])).to.deep.equal([
        ['ok', 404],
        ['error', 503],
        ['ok', 404],
      ])
    })

    it('says error for a reply that a transform of the application refuses, also when it is sent again', async () => {
      const clock = clockIn(60_000)
      echo.replyClock = clock
      const transformResponse = (data: unknown, _headers: unknown, status?: number): never => {
        throw new Error(`refused ${status} ${typeof data}`)
      }
      const configs: InternalAxiosRequestConfig[] = []
      api.interceptors.request.use((config) => {
        configs.push(config)
        return config
      })
      await inTrace(async () => {
        for (const given of [transformResponse, [transformResponse]]) {
          expect(await api.get('/a', { transformResponse: given }).catch((error: Error) => error.message)).to.equal(
            'refused 200 string',
          )
        }
        await api.request(configs[0] as InternalAxiosRequestConfig).catch(() => undefined)
        expect((currentScope()?.root.clock.toString() as string) > clock, 'the clock is past that of the reply').to.equal(true)
      })
      const spans = await port.spanCount(3)
      for (const span of spans) {
        expect(span).to.include({ outcome: 'error', status: 200, error: 'Error: refused 200 string' })
      }
      const strict = { responseType: 'json', transitional: { silentJSONParsing: false } } as const
      const text = { ...strict, adapter: async (config: InternalAxiosRequestConfig) => ({ ...EMPTY, config, data: '{' }) }
      await api.get('/', text).catch(() => undefined)
      expect((await port.spanCount(4))[3]).to.include({ outcome: 'error', status: 200 })
    })

    it('says aborted for a call that is cancelled by signal or token, and error for one that timed out', async () => {
      const controller = new AbortController()
      const source = axios.CancelToken.source()
      const calls = [
        api.get('/hang', { signal: controller.signal }),
        api.get('/hang', { cancelToken: source.token }),
        api.get('/hang', { timeout: 20 }),
        api.get('/hang', { signal: AbortSignal.timeout(20) }),
      ].map((call) => call.catch(() => undefined))
      await echo.hanging()
      controller.abort()
      source.cancel('changed my mind')
      await Promise.all(calls)
      const spans = await port.spanCount(4)
      expect(spans.map(({ outcome }) => outcome).sort()).to.deep.equal(['aborted', 'aborted', 'error', 'error'])
      const { token } = source as unknown as { token: { _listeners?: unknown[] | null } }
      expect(token._listeners ?? []).to.have.length(0)
    })

    it('leaves no listener on a cancel token that outlives the call', async () => {
      const { token } = axios.CancelToken.source()
      await api.get('/', { cancelToken: token })
      expect((token as unknown as { _listeners?: unknown[] })._listeners ?? []).to.have.length(0)
    })
  })

  it('runs interceptors and continuations in the flow of the caller', async () => {
    const seen: (string | undefined)[] = []
    const note = <T>(value: T): T => {
      seen.push(currentTrace()?.spanId)
      return value
    }
    api.interceptors.request.use(async (config) => note(config))
    api.interceptors.response.use(note)
    const spanId = await inTrace(async () => {
      note(await api.get('/', { transformResponse: note, validateStatus: () => note(true) }))
      return currentTrace()?.spanId
    })
    expect(seen).to.have.length(5)
    expect(new Set(seen)).to.deep.equal(new Set([spanId]))
  })

  it('keeps two interleaved calls of two traces apart', async () => {
    const ids = await Promise.all(
      ['b', 'c'].map((digit) => {
        return runWithTrace(extractTrace({ traceparent: `00-${digit.repeat(32)}-00f067aa0ba902b7-01` }), async () => {
          await api.post(`/${digit}`, 'x'.repeat(70_000))
          return currentTraceId()
        })
      }),
    )
    expect(ids).to.deep.equal(['b'.repeat(32), 'c'.repeat(32)])
    for (const { path, headers } of echo.seen) expect(headers['traceparent']).to.include(path.slice(1).repeat(32))
  })
})
