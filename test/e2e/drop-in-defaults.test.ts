import { Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import express from 'express'
import { currentTrace, getLogger, mdc, type TraceContext, trustCidr, trustSecret } from 'tracelane'
import { traceFetch } from 'tracelane/interceptors/fetch'
import { traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { traceMiddleware } from 'tracelane/middleware/express'
import { call } from '../support/call'
import { type EchoServer, serveEcho } from '../support/echo-server'
import { Lanes } from '../support/grpc-lanes'
import { serve, type TestServer } from '../support/http-server'

const ID = 'a'.repeat(32)
const CLOCK = `${(Date.now() - 60_000).toString(16).padStart(12, '0')}0000`
const INBOUND: Readonly<Record<string, string>> = {
  traceparent: `00-${ID}-00f067aa0ba902b7-01`,
  tracestate: 'x=1',
  baggage: 'tenant=acme,user=ann,debug=true',
}

/** What a handler saw, and what came back: the same for both kinds of server. */
interface Seen {
  readonly context: TraceContext | undefined
  readonly fields: Readonly<Record<string, unknown>>
  readonly debug: boolean
  /** The names of what the answer has beyond that of a server without tracelane. */
  readonly added: readonly string[]
  readonly traceId: unknown
  /** What the next service got. */
  readonly onward: Readonly<Record<string, unknown>>
}

type Ask = (headers: Readonly<Record<string, string>>, options?: object) => Promise<Seen>

const OURS = /trace|baggage|clock|b3|request-id/

describe('the defaults of a drop-in', () => {
  const opened: { close(): unknown }[] = []
  let next: EchoServer

  beforeEach(async () => {
    next = await serveEcho()
    opened.push(next)
  })
  afterEach(async () => {
    for (const thing of opened.splice(0)) await thing.close()
  })

  const look = async (): Promise<Pick<Seen, 'context' | 'fields' | 'debug' | 'onward'>> => {
    await traceFetch()(next.origin).then((reply) => reply.text())
    const onward = next.seen.at(-1)?.headers ?? {}
    const debug = getLogger('drop-in.defaults').isEnabled('debug')
    return { context: currentTrace(), fields: { ...mdc.fields() }, debug, onward }
  }

  const overHttp: Ask = async (headers, options) => {
    let seen: Awaited<ReturnType<typeof look>> | undefined
    const app = express()
    app.use(traceMiddleware(options))
    app.get('/', async (_req, res) => {
      seen = await look()
      res.end()
    })
    const server: TestServer = await serve(app)
    opened.push(server)
    const { headers: answer, status } = await call(server.origin, { headers })
    expect(status).to.equal(200)
    const added = Object.keys(answer).filter((name) => OURS.test(name))
    return { ...(seen as Awaited<ReturnType<typeof look>>), added, traceId: answer['x-trace-id'] }
  }

  const overGrpc: Ask = async (headers, options) => {
    let seen: Awaited<ReturnType<typeof look>> | undefined
    const handlers = {
      Unary: async (_call: unknown, callback: (error: null, reply: { text: string }) => void) => {
        seen = await look()
        callback(null, { text: 'done' })
      },
    }
    const lanes = await Lanes.open(handlers, { server: [traceServerInterceptor(options)] })
    opened.push(lanes)
    const metadata = new Metadata()
    for (const [key, value] of Object.entries(headers)) metadata.set(key, value)
    const answer = await new Promise<Metadata>((resolve, reject) => {
      const made = lanes.client.Unary({ text: 'x' }, metadata, {}, (error) => error !== null && reject(error))
      made.on('metadata', resolve)
    })
    const answered = answer.getMap()
    const added = Object.keys(answered).filter((name) => OURS.test(name))
    return { ...(seen as Awaited<ReturnType<typeof look>>), added, traceId: answered['x-trace-id'] }
  }

  for (const [what, ask] of [
    ['an Express app', overHttp],
    ['a gRPC server', overGrpc],
  ] as const) {
    describe(`of ${what}`, () => {
      it('accept the ids of a caller', async () => {
        const { context, traceId } = await ask(INBOUND)
        expect(context).to.include({ traceId: ID, parentSpanId: '00f067aa0ba902b7', flags: 1, traceState: 'x=1' })
        expect(traceId).to.equal(ID)
      })

      it('carry baggage on, and make no log field of it', async () => {
        const { fields, onward } = await ask(INBOUND)
        expect(fields).to.deep.equal({})
        expect(onward['baggage']).to.equal(INBOUND['baggage'])
        expect(onward['traceparent']).to.match(new RegExp(`^00-${ID}-`))
      })

      it('carry no more than 64 members of baggage', async () => {
        const members = Array.from({ length: 100 }, (_, i) => `k${i}=v`)
        const { context, onward } = await ask({ ...INBOUND, baggage: members.join(',') })
        expect(context?.baggage.size).to.equal(64)
        expect(onward['baggage']).to.equal(members.slice(0, 64).join(','))
      })

      it('log nothing more because an unsigned header asks for it, and read no format but W3C', async () => {
        const asking = { b3: `${'b'.repeat(32)}-00f067aa0ba902b7-d`, 'x-b3-flags': '1', 'tracelane-debug': '1' }
        const { debug, context, onward } = await ask({ ...asking, baggage: 'debug=true' })
        expect(debug).to.equal(false)
        expect(context?.traceId).to.not.equal('b'.repeat(32))
        expect(Object.keys(onward).filter((name) => /b3|debug/.test(name))).to.deep.equal([])
        expect(onward['baggage']).to.equal('debug=true')
      })

      it('add x-trace-id to the answer and nothing else', async () => {
        expect((await ask({})).added).to.deep.equal(['x-trace-id'])
        expect((await ask(INBOUND)).added).to.deep.equal(['x-trace-id'])
      })

      it('give the clock back to callers that sent one', async () => {
        const { added } = await ask({ ...INBOUND, 'tracelane-clock': CLOCK })
        expect(added).to.have.members(['x-trace-id', 'tracelane-clock'])
      })

      it('answer whatever the headers say', async () => {
        const hostile = { traceparent: '00-evil', tracestate: '=,=', baggage: '%%%=,;=;', 'tracelane-clock': 'f'.repeat(16) }
        const { context, added } = await ask(hostile)
        expect(context?.traceId).to.match(/^[0-9a-f]{32}$/)
        expect(added).to.deep.equal(['x-trace-id'])
      })

      it('can be told not to trust, by address and by secret', async () => {
        const { context, fields, added } = await ask(
          { ...INBOUND, 'tracelane-clock': CLOCK },
          { trust: trustCidr(['10.0.0.0/8']) },
        )
        expect(context?.traceId).to.not.equal(ID)
        expect(fields).to.deep.equal({})
        expect(added).to.deep.equal(['x-trace-id'])
        expect((await ask(INBOUND, { trust: trustCidr(['127.0.0.0/8']) })).context?.traceId).to.equal(ID)
        const trust = trustSecret({ header: 'x-mesh-key', secret: 's3cret' })
        expect((await ask({ ...INBOUND, 'x-mesh-key': 's3cret' }, { trust })).context?.traceId).to.equal(ID)
        expect((await ask({ ...INBOUND, 'x-mesh-key': 'guess' }, { trust })).context?.traceId).to.not.equal(ID)
      })

      it('can be told to link, and to make fields of baggage', async () => {
        const trust = { id: 'link', baggage: true }
        const { context, fields } = await ask(INBOUND, { trust, baggageFields: ['tenant'] })
        expect(fields).to.deep.equal({ linkedTraceId: ID, tenant: 'acme' })
        expect(context?.traceId).to.not.equal(ID)
      })

      it('refuse wrong options when the server is made', async () => {
        const refused = async (options: object): Promise<string> => ask({}, options).then(String, (error) => error.message)
        expect(await refused({ trust: 'sometimes' })).to.match(/'trust' must be 'always', 'never', 'link'/)
        expect(await refused({ trust: { baggages: true } })).to.match(/'trust' must be/)
        expect(await refused({ baggageFields: 'tenant' })).to.match(/'baggageFields' must be a list of names/)
      })
    })
  }
})
