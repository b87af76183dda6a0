import { type Interceptor, Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTraceId, runWithTrace } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { subscribeEvents } from '../../../lib/event'
import {
  Lanes,
  type LanesHandlers,
  Meeting,
  metadataOf,
  ownOfTest,
  PortRecorder,
  rawUnary,
  unary,
} from '../../support/grpc-lanes'

const TRACES: Readonly<Record<string, string>> = { A: 'a'.repeat(32), B: 'b'.repeat(32) }
const NAMES = ['A', 'B']

function caller(who: string, extra: Readonly<Record<string, string>> = {}): Metadata {
  return metadataOf({ who, traceparent: `00-${TRACES[who]}-1111111111111111-03`, ...extra })
}

describe('traceServerInterceptor()', () => {
  const own = ownOfTest()

  const recorder = (): PortRecorder => own(new PortRecorder())

  async function open(
    handlers: LanesHandlers,
    server: ServerInterceptor[] = [traceServerInterceptor()],
    client: Interceptor[] = [],
  ): Promise<Lanes> {
    return own(await Lanes.open(handlers, { server, client }))
  }

  const answering: LanesHandlers = { Unary: (_call, callback) => callback(null, { text: 'done' }) }
  const refusing = (code: status, metadata?: Metadata): LanesHandlers => ({
    Unary: (_call, callback) => callback({ code, details: 'no luck', ...(metadata && { metadata }) }),
  })

  describe('the trace of a call', () => {
    async function traceOf(
      headers: Readonly<Record<string, string | string[]>>,
    ): Promise<{ id: string | undefined; reply: unknown }> {
      let id: string | undefined
      const lanes = await open({
        Unary(_call, callback) {
          id = currentTraceId()
          callback(null, { text: 'done' })
        },
      })
      const reply = await rawUnary(lanes.address, headers)
      expect(reply['grpc-status']).to.equal('0')
      return { id, reply: reply['x-trace-id'] }
    }

    const valid = `00-${TRACES['A']}-1111111111111111-03`

    it('is that of a valid traceparent', async () => {
      expect(await traceOf({ traceparent: valid })).to.deep.equal({ id: TRACES['A'], reply: TRACES['A'] })
    })

    const hostile: Readonly<Record<string, Readonly<Record<string, string | string[]>>>> = {
      'no traceparent': {},
      'a repeated traceparent': { traceparent: [valid, `00-${TRACES['B']}-1111111111111111-03`] },
      'an oversize traceparent': { traceparent: valid + '-'.repeat(5000) },
      'a malformed traceparent': { traceparent: '00-xyz' },
      'the binary metadata of another system': { 'grpc-trace-bin': Buffer.from(valid).toString('base64') },
      'a binary traceparent': { 'traceparent-bin': '####' },
    }
    for (const [what, headers] of Object.entries(hostile)) {
      it(`is new for ${what}`, async () => {
        const { id, reply } = await traceOf(headers)
        expect(id)
          .to.match(/^[0-9a-f]{32}$/)
          .and.not.be.oneOf(Object.values(TRACES))
        expect(reply).to.equal(id)
      })
    }

    it('survives oversize and broken metadata beside a valid traceparent', async () => {
      const junk = {
        tracestate: 'x='.repeat(3000),
        baggage: `${'k=v,'.repeat(3000)}%%%`,
        'tracelane-clock': 'ffffffffffffffff',
        'junk-bin': '!!',
      }
      expect(await traceOf({ traceparent: valid, ...junk })).to.deep.equal({ id: TRACES['A'], reply: TRACES['A'] })
    })
  })

  it('given twice traces once, also with another interceptor between', async () => {
    const between: ServerInterceptor = (_method, call) => new ServerInterceptingCall(call)
    for (const others of [[], [between]]) {
      const port = recorder()
      const ids: unknown[] = []
      const handlers: LanesHandlers = {
        Unary(_call, callback) {
          ids.push(currentTraceId())
          callback(null, { text: 'done' })
        },
      }
      const lanes = await open(handlers, [traceServerInterceptor(), ...others, traceServerInterceptor()])
      const reply = await rawUnary(lanes.address, {})
      expect(ids).to.deep.equal([reply['x-trace-id']])
      expect(port.spans('server').map(({ event }) => event.traceId)).to.deep.equal(ids)
    }
  })

  describe('the reply', () => {
    it('names the trace in the initial metadata of an answer, and not again in its trailers', async () => {
      const reply = await unary((await open(answering)).client, caller('A'))
      expect(reply.initial.get('x-trace-id')).to.deep.equal([TRACES['A']])
      expect(reply.trailers.get('x-trace-id')).to.deep.equal([])
    })

    it('names the trace in the trailers of an error without initial metadata', async () => {
      const reply = await unary((await open(refusing(status.NOT_FOUND))).client, caller('A'))
      expect(reply.code).to.equal(status.NOT_FOUND)
      expect(reply.trailers.get('x-trace-id')).to.deep.equal([TRACES['A']])
    })

    it('names the trace in both for an error after initial metadata', async () => {
      const lanes = await open({
        Unary(call, callback) {
          call.sendMetadata(new Metadata())
          callback({ code: status.INTERNAL })
        },
      })
      const reply = await unary(lanes.client, caller('A'))
      expect(reply.initial.get('x-trace-id')).to.deep.equal([TRACES['A']])
      expect(reply.trailers.get('x-trace-id')).to.deep.equal([TRACES['A']])
    })

    it('names the trace in the trailers that grpc-js sends by itself, for a message that it cannot parse', async () => {
      const lanes = await open(answering)
      const reply = await rawUnary(
        lanes.address,
        { traceparent: `00-${TRACES['A']}-1111111111111111-03` },
        Buffer.from('0000000002ffff', 'hex'),
      )
      expect(reply).to.include({ 'grpc-status': '13', 'x-trace-id': TRACES['A'] })
    })

    for (const [what, callerSends] of Object.entries({ sends: { 'tracelane-clock': '0000000000010000' }, 'does not send': {} })) {
      it(`has the clock only if the caller sends one: ${what}`, async () => {
        const expected = what === 'sends' ? 1 : 0
        const lanes = await open(answering)
        const reply = await unary(lanes.client, caller('A', callerSends))
        expect(reply.initial.get('tracelane-clock')).to.have.lengthOf(expected)
        const failing = await open(refusing(status.NOT_FOUND))
        const failure = await unary(failing.client, caller('A', callerSends))
        expect(failure.trailers.get('tracelane-clock')).to.have.lengthOf(expected)
      })
    }

    it('repeats the clock in the trailers only if something was told in the trace since the initial metadata', async () => {
      const lanes = await open(answering)
      const clocks = async (): Promise<string[][]> => {
        const { initial, trailers } = await unary(lanes.client, caller('A', { 'tracelane-clock': '0000000000010000' }))
        return [initial, trailers].map((metadata) => metadata.get('tracelane-clock').map(String))
      }
      const [, silent] = await clocks()
      expect(silent).to.deep.equal([])
      const unsubscribe = subscribeEvents({ onEvent: () => undefined })
      const [[before = ''] = [], [after = '', ...more] = []] = await clocks().finally(unsubscribe)
      expect([after > before, more]).to.deep.equal([true, []])
    })

    it("does not change the handler's own metadata, and sends it", async () => {
      const initial = metadataOf({ mine: 'initial' })
      const trailers = metadataOf({ mine: 'trailers' })
      const lanes = await open({
        Unary(call, callback) {
          call.sendMetadata(initial)
          callback({ code: status.ABORTED, details: 'no', metadata: trailers })
        },
      })
      const reply = await unary(lanes.client, caller('A', { 'tracelane-clock': '0000000000010000' }))
      expect(reply.initial.getMap()).to.include({ mine: 'initial', 'x-trace-id': TRACES['A'] })
      expect(reply.trailers.getMap()).to.include({ mine: 'trailers', 'x-trace-id': TRACES['A'] })
      expect([initial.getMap(), trailers.getMap()]).to.deep.equal([{ mine: 'initial' }, { mine: 'trailers' }])
    })
  })

  describe('the event at the end', () => {
    interface Row {
      readonly handlers: LanesHandlers
      readonly code: number
      readonly outcome: string
      readonly error: string | undefined
    }

    const rows: Readonly<Record<string, Row>> = {
      'an answer': { handlers: answering, code: 0, outcome: 'ok', error: undefined },
      NOT_FOUND: { handlers: refusing(status.NOT_FOUND), code: 5, outcome: 'ok', error: undefined },
      INTERNAL: { handlers: refusing(status.INTERNAL), code: 13, outcome: 'error', error: 'INTERNAL: no luck' },
      CANCELLED: { handlers: refusing(status.CANCELLED), code: 1, outcome: 'aborted', error: 'CANCELLED: no luck' },
      'a handler that throws': {
        handlers: {
          Unary() {
            throw new Error('oops')
          },
        },
        code: 2,
        outcome: 'error',
        error: 'UNKNOWN: Unknown error',
      },
    }
    for (const [what, { handlers, code, outcome, error }] of Object.entries(rows)) {
      it(`comes once, with status and outcome: ${what}`, async () => {
        const port = recorder()
        const { client } = await open(handlers)
        await unary(client, caller('A'))
        await unary(client, caller('B'))
        const [span, second, ...more] = port.spans('server')
        expect(more).to.deep.equal([])
        expect(span).to.include({ name: 'lanes.Echo/Unary', status: code, outcome, error })
        expect([span?.event.traceId, second?.event.traceId]).to.deep.equal([TRACES['A'], TRACES['B']])
        expect(span?.event.fields).to.have.property('parentSpanId', '1'.repeat(16))
        const failed = outcome !== 'ok'
        expect(port.ends).to.deep.equal(NAMES.map((who) => ({ traceId: TRACES[who], failed })))
      })
    }

    it('comes once for a call that the client cancels, as aborted', async () => {
      const port = recorder()
      const lanes = await open({
        Bidi(call) {
          call.sendMetadata(new Metadata())
          // A status after the cancellation is not sent, so it does not count.
          call.on('cancelled', () => setImmediate(() => call.end()))
        },
      })
      const call = lanes.client.Bidi(caller('A')).resume()
      call.on('error', () => undefined)
      call.on('metadata', () => call.cancel())
      await port.until(() => port.ends.length > 0)
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      expect(port.spans('server')).to.have.lengthOf(1)
      expect(port.spans('server')[0]).to.include({ status: 1, outcome: 'aborted', error: 'CANCELLED' })
      expect(port.ends).to.deep.equal([{ traceId: TRACES['A'], failed: true }])
    })

    it('comes once for a deadline that passes on the server, whatever the handler does then, and names the trace in the trailers', async () => {
      const port = recorder()
      const late = new Meeting(1)
      const lanes = await open({
        Unary(call, callback) {
          call.on('cancelled', () => {
            callback({ code: status.INTERNAL, details: 'too late' })
            late.arrive()
          })
        },
      })
      const reply = await rawUnary(lanes.address, { traceparent: `00-${TRACES['A']}-1111111111111111-03`, 'grpc-timeout': '20m' })
      expect(reply).to.include({ 'grpc-status': '4', 'x-trace-id': TRACES['A'] })
      await late.all
      expect(port.spans('server')).to.have.lengthOf(1)
      expect(port.spans('server')[0]).to.include({ status: 4, outcome: 'error', error: 'DEADLINE_EXCEEDED: Deadline exceeded' })
      expect(port.ends).to.deep.equal([{ traceId: TRACES['A'], failed: true }])
    })

    it('comes for a message that cannot be parsed', async () => {
      const port = recorder()
      const lanes = await open(answering)
      await rawUnary(lanes.address, {}, Buffer.from('0000000002ffff', 'hex'))
      expect(port.spans('server').map((span) => span.status)).to.deep.equal([13])
    })

    it('sorts before what the client logs after the reply', async () => {
      const port = recorder()
      const lanes = await open(answering, [traceServerInterceptor()], [traceClientInterceptor()])
      await runWithTrace(() => unary(lanes.client))
      const [server] = port.spans('server')
      const [client] = port.spans('client')
      expect(String(server?.event.hlc) < String(client?.event.hlc)).to.equal(true)
      expect(server?.event.traceId).to.equal(client?.event.traceId)
      expect(server?.event.fields?.['parentSpanId']).to.equal(client?.event.spanId)
    })

    it('has the chosen fields alone', async () => {
      const port = recorder()
      const lanes = await open(refusing(status.INTERNAL), [traceServerInterceptor({ spans: ['error'] })])
      await unary(lanes.client, caller('A')).catch(() => undefined)
      const [{ event: _, durationMs: __, ...fields }] = port.spans('server') as [ReturnType<typeof port.spans>[number]]
      const error = 'INTERNAL: no luck'
      expect(fields).to.deep.equal({ kind: 'server', name: 'lanes.Echo/Unary', outcome: 'error', error })
    })

    it('is left out with spans: false, and the trace still ends', async () => {
      const port = recorder()
      const lanes = await open(answering, [traceServerInterceptor({ spans: false })])
      await unary(lanes.client, caller('A'))
      expect(port.events).to.deep.equal([])
      expect(port.ends).to.deep.equal([{ traceId: TRACES['A'], failed: false }])
    })
  })

  it('refuses an option that it does not know', () => {
    expect(() => traceServerInterceptor({ span: true } as object))
      .to.throw(/did you mean 'spans'/)
      .with.property('code', 'ERR_TRACELANE_OPTION_UNKNOWN')
  })
})
