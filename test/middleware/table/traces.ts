import { expect } from 'chai'
import { counters, currentTrace, currentTraceId, mdc, runWithTrace, withSpan } from 'tracelane'
import { type Answer, call, traceparent } from '../../support/call'
import type { Framework, Handler } from '../../support/frameworks'
import { harnessOf, ID } from './harness'

const contextOf: Handler = () => currentTrace() ?? {}
const traceIdOf: Handler = ({ res }) => void res.end(currentTraceId())

/** Which trace a request gets, and what its business id does. */
export function describeTraces(framework: Framework): void {
  describe(`the trace of a request on ${framework.name}`, () => {
    const harness = harnessOf(framework)

    it('continues the trace of the caller in a new span', async () => {
      const { origin } = await harness.start({ get: { '/': contextOf } })
      const headers = { traceparent: traceparent(ID('a')), tracestate: 'x=1', baggage: 'user=ann' }
      const { body, headers: replied } = await call(origin, { headers })
      const context = JSON.parse(body)
      expect(context.traceId).to.equal(ID('a'))
      expect(context.parentSpanId).to.equal('00f067aa0ba902b7')
      expect(context.spanId)
        .to.match(/^[0-9a-f]{16}$/)
        .and.not.equal('00f067aa0ba902b7')
      expect(context.traceState).to.equal('x=1')
      expect(replied['x-trace-id']).to.equal(ID('a'))
    })

    it('starts a new one without headers, and names it in x-trace-id and no other header', async () => {
      const { origin } = await harness.start({ get: { '/': traceIdOf } })
      const { body, headers } = await call(origin)
      expect(body).to.match(/^[0-9a-f]{32}$/)
      expect(headers['x-trace-id']).to.equal(body)
      const ours = Object.keys(headers).filter((key) => /trace|baggage|clock/.test(key))
      expect(ours).to.deep.equal(['x-trace-id'])
    })

    it('restarts the trace when traceparent is sent twice, also for a later version that may contain a comma', async () => {
      const { origin } = await harness.start({ get: { '/': traceIdOf } })
      const once = `cc-${ID('b')}-00f067aa0ba902b7-01-x`
      expect((await call(origin, { headers: { traceparent: once } })).body).to.equal(ID('b'))
      expect((await call(origin, { headers: { traceparent: `${once},y` } })).body).to.equal(ID('b'))
      const twice = await call(origin, { headers: { traceparent: [once, once] } })
      expect(twice.body)
        .to.match(/^[0-9a-f]{32}$/)
        .and.not.equal(ID('b'))
    })

    it('joins several tracestate headers in the order received', async () => {
      const { origin } = await harness.start({ get: { '/': contextOf } })
      const headers = { traceparent: traceparent(ID('a')), tracestate: ['a=1,b=2', 'c=3'] }
      expect(JSON.parse((await call(origin, { headers })).body).traceState).to.equal('a=1,b=2,c=3')
    })

    it('is not the trace in which the server was started', async () => {
      let origin = ''
      const boot = await runWithTrace(async () => {
        mdc.put('phase', 'boot')
        origin = (await harness.start({ get: { '/': () => [currentTraceId(), mdc.fields()] } })).origin
        return currentTraceId()
      })
      const seen = await Promise.all([call(origin), call(origin)])
      const ids = seen.map(({ body }) => JSON.parse(body) as [string, object])
      expect(new Set([boot, ...ids.map(([id]) => id)]).size).to.equal(3)
      for (const [, fields] of ids) expect(fields).to.deep.equal({})
    })

    it('stays the first one when mounted twice, also behind a middleware that loses the context', async () => {
      const lost: (() => void)[] = []
      const { origin } = await harness.start({ between: (resume) => lost.push(resume), get: { '/': contextOf } })
      const pump = setInterval(() => {
        for (const resume of lost.splice(0)) resume()
      }, 1)
      const { body } = await call(origin, { headers: { traceparent: traceparent(ID('a')) } })
      clearInterval(pump)
      expect(JSON.parse(body)).to.include({ traceId: ID('a'), parentSpanId: '00f067aa0ba902b7' })
      expect(await harness.port.spanCount(1)).to.have.length(1)
      expect(harness.port.ends).to.have.length(1)
    })
  })

  describeBusinessId(framework)
  describeClock(framework)
}

function describeBusinessId(framework: Framework): void {
  describe(`businessId on ${framework.name}`, () => {
    const harness = harnessOf(framework)

    it('is an MDC field of every event, cut at 256 characters, and stays at home', async () => {
      const { origin } = await harness.start({
        options: { businessId: (req) => req.headers['x-order'] as string | undefined },
        get: { '/': () => [mdc.get('businessId'), currentTrace()?.baggage.size] },
      })
      expect(JSON.parse((await call(origin, { headers: { 'x-order': 'o-7' } })).body)).to.deep.equal(['o-7', 0])
      expect(JSON.parse((await call(origin, { headers: { 'x-order': 'o'.repeat(300) } })).body)[0]).to.have.length(256)
      expect(JSON.parse((await call(origin)).body)).to.deep.equal([null, 0])
      await harness.port.spanCount(3)
      expect(harness.port.events[0]?.mdc).to.include({ businessId: 'o-7' })
    })

    it('travels as the baggage member business-id when asked', async () => {
      const { origin } = await harness.start({
        options: { businessId: () => 'ö 7', businessIdBaggage: true },
        get: { '/': () => [...(currentTrace()?.baggage.entries() ?? [])] },
      })
      const { body } = await call(origin, { headers: { traceparent: traceparent(ID('4')), baggage: 'a=1' } })
      expect(JSON.parse(body)).to.deep.equal([
        ['a', { value: '1' }],
        ['business-id', { value: 'ö 7' }],
      ])
    })

    it('that throws, rejects or is no text is counted, and the request goes on', async () => {
      const faults: (() => unknown)[] = [
        () => {
          throw new Error('mine')
        },
        () => Promise.reject(new Error('async')),
        () => 7,
      ]
      const options = { businessId: () => faults.shift()?.() as string }
      const { origin } = await harness.start({ options, get: { '/': () => mdc.fields() } })
      const before = counters.userCallbackErrors
      for (let i = 0; i < 3; i++) expect((await call(origin)).body).to.equal('{}')
      expect(counters.userCallbackErrors - before).to.equal(3)
    })
  })
}

const WRITES: Readonly<Record<string, Handler>> = {
  'end()': ({ res }) => void res.end('x'),
  'write()': ({ res }) => void res.write('x', () => res.end()),
  'flushHeaders()': ({ res }) => {
    res.flushHeaders()
    res.end('x')
  },
  'writeHead(status)': ({ res }) => void res.writeHead(202).end(),
  'writeHead(status, headers)': ({ res }) => void res.writeHead(202, { a: 'b' }).end(),
  'writeHead(status, list)': ({ res }) => void res.writeHead(202, ['a', 'b']).end(),
  'writeHead(status, reason)': ({ res }) => void res.writeHead(202, 'Fine').end(),
  'writeHead(status, reason, headers)': ({ res }) => void res.writeHead(202, 'Fine', { a: 'b' }).end(),
  'the framework': () => ({ fine: true }),
}

function describeClock(framework: Framework): void {
  describe(`the clock on ${framework.name}`, () => {
    const harness = harnessOf(framework)
    const clock = (ms: number): string => `${ms.toString(16).padStart(12, '0')}0000`

    it('goes back only to a caller that sent one, and only a usable one', async () => {
      const { origin } = await harness.start({ get: { '/': ({ res }) => void res.end() } })
      const sent = clock(Date.now() + 60_000)
      const from = (value: string): Promise<Answer> =>
        call(origin, { headers: { traceparent: traceparent(ID('5')), 'tracelane-clock': value } })
      expect(String((await from(sent)).headers['tracelane-clock']) > sent).to.equal(true)
      const state = await call(origin, { headers: { traceparent: traceparent(ID('5')), tracestate: `tl=${sent}` } })
      expect(String(state.headers['tracelane-clock']) > sent).to.equal(true)
      expect((await from('nonsense')).headers).to.not.have.property('tracelane-clock')
      expect((await from(clock(Date.now() + 9_000_000))).headers).to.not.have.property('tracelane-clock')
      expect((await call(origin, { headers: { 'tracelane-clock': sent } })).headers).to.not.have.property('tracelane-clock')
    })

    for (const [what, write] of Object.entries(WRITES)) {
      it(`is read when ${what} writes the head`, async () => {
        let logged = ''
        const handler: Handler = (ask) => {
          withSpan('work', () => undefined)
          logged = harness.port.events.at(-1)?.hlc ?? ''
          return write(ask)
        }
        const { origin } = await harness.start({ get: { '/': handler } })
        const headers = { traceparent: traceparent(ID('6')), 'tracelane-clock': clock(Date.now() + 60_000) }
        const answer = await call(origin, { headers })
        expect(logged).to.match(/^[0-9a-f]{16}$/)
        expect(String(answer.headers['tracelane-clock']) > logged).to.equal(true)
        expect(answer.headers['x-trace-id']).to.equal(ID('6'))
        if (/headers\)|list/.test(what)) expect(answer.headers['a']).to.equal('b')
        expect(answer.status).to.equal(what.startsWith('writeHead') ? 202 : 200)
      })
    }
  })
}
