import { request as httpRequest } from 'node:http'
import axios from 'axios'
import { expect } from 'chai'
import {
  b3Multi,
  b3Single,
  configurePropagation,
  correlationId,
  extractTrace,
  getLogger,
  runWithTrace,
  signLevel,
  type Targets,
  w3cTraceContext,
} from 'tracelane'
import { traceAxios } from 'tracelane/interceptors/axios'
import { traceFetch } from 'tracelane/interceptors/fetch'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { traceHttp } from 'tracelane/interceptors/http'
import { traceDispatcher } from 'tracelane/interceptors/undici'
import * as undici6 from 'undici'
import { configureTargetedDebug } from '../../lib/targeted-debug'
import { type EchoServer, ourHeaders, redirectPath, type Seen, serveEcho } from '../support/echo-server'
import { Lanes, unary } from '../support/grpc-lanes'

const undici7 = require('undici7') as typeof undici6

type Get = (url: string, headers?: Record<string, string>) => Promise<unknown>

const dispatching =
  ({ Agent, interceptors, request }: typeof undici6) =>
  (targets?: Targets): Get => {
    const trace = traceDispatcher(targets === undefined ? {} : { targets })
    const dispatcher = new Agent().compose(trace, interceptors.redirect({ maxRedirections: 3 }))
    return (url, headers = {}) => request(url, { dispatcher, headers }).then(({ body }) => body.text())
  }

/* Each client in its own words; `targets` undefined: those of the process. */
const CLIENTS: Readonly<Record<string, (targets?: Targets) => Get>> = {
  'axios over http': (targets) => {
    const client = traceAxios(axios.create({ adapter: 'http' }), targets === undefined ? {} : { targets })
    return (url, headers = {}) => client.get(url, { headers })
  },
  'axios over fetch': (targets) => {
    const client = traceAxios(axios.create({ adapter: 'fetch' }), targets === undefined ? {} : { targets })
    return (url, headers = {}) => client.get(url, { headers })
  },
  fetch: (targets) => {
    const traced = traceFetch(undefined, targets === undefined ? {} : { targets })
    return (url, headers = {}) => traced(url, { headers }).then((reply) => reply.text())
  },
  'undici 6': dispatching(undici6),
  'undici 7': dispatching(undici7),
  'node:http': (targets) => {
    const { request } = traceHttp({ request: httpRequest, get: httpRequest }, targets === undefined ? {} : { targets })
    return (url, headers = {}) =>
      new Promise((resolve, reject) => {
        const made = request(url, { headers }, (res) => res.resume().on('end', resolve))
        made.on('error', reject).end()
      })
  },
}
const FOLLOWING = Object.keys(CLIENTS).filter((name) => name !== 'node:http')

/* Calls `fn` in a trace that was turned to debug. */
function inDebug<R>(fn: () => R): R {
  const traceparent = `00-${'a1'.repeat(16)}-${'1'.repeat(16)}-03`
  return runWithTrace(extractTrace({ traceparent, 'tracelane-level': signLevel({ secret: 'spoken softly' }) }), fn)
}

describe('targets of a client', () => {
  before(() => configureTargetedDebug({ secret: 'spoken softly' }))
  after(() => configureTargetedDebug())

  let echo: EchoServer

  beforeEach(async () => {
    echo = await serveEcho()
  })
  afterEach(async () => {
    configurePropagation()
    await echo.close()
  })

  const last = (): Seen => echo.seen.at(-1) as Seen

  for (const [name, client] of Object.entries(CLIENTS)) {
    describe(name, () => {
      it('tells the hosts on its list and no others', async () => {
        const get = client(['127.0.0.1'])
        await get(echo.origin)
        expect(ourHeaders(last())).to.include.members(['traceparent', 'tracestate', 'tracelane-clock'])
        await get(echo.otherOrigin)
        expect(ourHeaders(last())).to.deep.equal([])
      })

      it('goes by the list of the process, also by a later one, if it has none', async () => {
        const get = client()
        configurePropagation({ targets: ['127.0.0.2'] })
        await get(echo.origin)
        expect(ourHeaders(last())).to.deep.equal([])
        configurePropagation({ targets: (host) => host === `127.0.0.1:${echo.port}` })
        await get(echo.origin)
        expect(ourHeaders(last())).to.include('traceparent')
        configurePropagation({ targets: ['127.0.0.2'] })
        await client(['127.0.0.1'])(echo.origin)
        expect(ourHeaders(last())).to.include('traceparent')
      })

      it('tells the level of a trace that has one, signed for that trace, and leaves one of the application alone', async () => {
        const get = client(['127.0.0.1'])
        await inDebug(() => get(echo.origin))
        expect(last().headers['tracelane-level']).to.match(/^debug\.\d+\.(a1){16}\.[\w-]{43}$/)
        await inDebug(() => get(echo.origin, { 'tracelane-level': 'mine' }))
        expect(last().headers).to.include({ 'tracelane-level': 'mine' })
        await inDebug(() => get(echo.otherOrigin))
        expect(ourHeaders(last())).to.deep.equal([])
        await runWithTrace(() => get(echo.origin))
        expect(ourHeaders(last())).to.include('traceparent').and.not.include('tracelane-level')
      })

      it('writes the formats of the process, and leaves a context in one of them alone', async () => {
        const id = correlationId()
        configurePropagation({ inject: [b3Single, b3Multi, id] })
        const get = client()
        await runWithTrace(() => get(echo.origin, { 'x-request-id': 'mine' }))
        expect(last().headers).to.include({ 'x-request-id': 'mine', 'x-b3-sampled': '1' })
        expect(last().headers['b3']).to.match(/^[0-9a-f]{32}-[0-9a-f]{16}-1/)
        expect(last().headers).to.not.have.property('traceparent')
        const own = `${'c'.repeat(32)}-${'d'.repeat(16)}-1`
        await get(echo.origin, { b3: own })
        expect(last().headers['b3']).to.equal(own)
        expect(Object.keys(last().headers).filter((header) => /^x-(b3|request)|tracelane/.test(header))).to.deep.equal([])
        await get(echo.origin, { b3: 'nonsense' })
        expect(last().headers['b3']).to.match(/^[0-9a-f]{32}-[0-9a-f]{16}-1/)
      })
    })
  }

  for (const name of FOLLOWING) {
    const client = CLIENTS[name] as (targets?: Targets) => Get
    describe(`${name} on a redirect`, () => {
      it('takes nothing of the formats of the process to another host', async () => {
        configurePropagation({ inject: [b3Single, b3Multi, correlationId(), w3cTraceContext] })
        await client()(echo.origin + redirectPath([`${echo.otherOrigin}/there`]), { 'x-mine': '1' })
        expect(last()).to.have.property('path', '/there')
        const left = Object.keys(last().headers).filter((header) => /b3|trace|request-id/.test(header))
        expect(left).to.deep.equal([])
      })

      it('takes the level of the trace to no other host', async () => {
        await inDebug(() => client()(echo.origin + redirectPath([`${echo.otherOrigin}/there`])))
        expect(echo.seen.slice(-2).map((seen) => seen.headers['tracelane-level'] !== undefined)).to.deep.equal([true, false])
      })

      it('goes by the list, hop by hop', async () => {
        const path = redirectPath([`${echo.otherOrigin}/there`])
        await client(['127.0.0.1', '127.0.0.2'])(echo.origin + path)
        expect(ourHeaders(last())).to.include.members(['traceparent', 'tracelane-clock'])
        await client(['127.0.0.1'])(echo.origin + path)
        expect(ourHeaders(last())).to.deep.equal([])
        expect(ourHeaders(echo.seen.at(-2) as Seen)).to.include('traceparent')
        await client(['127.0.0.2'])(echo.origin + path)
        expect(echo.seen.slice(-2).map(ourHeaders)).to.deep.equal([[], []])
      })
    })
  }

  it('let the level of a trace pass by gRPC, to a server that takes it', async () => {
    const taken: unknown[] = []
    const lanes = await Lanes.open(
      {
        Unary(call, callback) {
          taken.push(call.metadata.get('tracelane-level')[0], getLogger('grpc').isEnabled('debug'))
          callback(null, { text: 'done' })
        },
      },
      { client: [traceClientInterceptor()], server: [traceServerInterceptor()] },
    )
    await inDebug(() => unary(lanes.client)).finally(() => lanes.close())
    expect(taken[0]).to.match(/^debug\.\d+\.(a1){16}\.[\w-]{43}$/)
    expect(taken[1]).to.equal(true)
  })

  it('hold for gRPC by the target of the channel', async () => {
    const got: string[][] = []
    for (const targets of [['127.0.0.1'], ['stock.internal'], [/127\.0\.0\.\d/]] as const) {
      const lanes = await Lanes.open(
        {
          Unary(call, callback) {
            got.push(Object.keys(call.metadata.getMap()).filter((key) => key.startsWith('trace')))
            callback(null, { text: 'done' })
          },
        },
        { client: [traceClientInterceptor({ targets })] },
      )
      await unary(lanes.client).finally(() => lanes.close())
    }
    const all = ['traceparent', 'tracestate', 'tracelane-clock']
    expect(got.map((keys) => keys.sort())).to.deep.equal([[...all].sort(), [], [...all].sort()])
  })

  it('are refused when they are wrong', () => {
    const targets = ['http://a'] as const
    expect(() => traceDispatcher({ targets })).to.throw(/traceDispatcher: 'targets' must be/)
    for (const make of [() => traceFetch(undefined, { targets }), () => traceHttp(undefined, { targets })]) {
      expect(make).to.throw(/'targets' must be a list of host names/)
    }
    expect(() => traceClientInterceptor({ targets })).to.throw(/traceClientInterceptor: 'targets' must be/)
    expect(() => traceAxios(axios.create(), { targets })).to.throw(/traceAxios: 'targets' must be/)
  })
})
