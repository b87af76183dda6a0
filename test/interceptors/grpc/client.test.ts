import { credentials, InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTrace, currentTraceId, extractTrace, injectTrace, mdc, runWithTrace, type TraceContext } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { currentScope, rootOf } from '../../../lib/context'
import { captureEvent } from '../../../lib/event'
import {
  clientClasses,
  Lanes,
  type LanesHandlers,
  Meeting,
  metadataOf,
  ownOfTest,
  PortRecorder,
  receiving,
  unary,
} from '../../support/grpc-lanes'
import { freePort } from '../../support/waiting'

describe('traceClientInterceptor()', () => {
  const own = ownOfTest()

  const recorder = (): PortRecorder => own(new PortRecorder())

  async function open(handlers: LanesHandlers, client = [traceClientInterceptor()], server = false): Promise<Lanes> {
    return own(await Lanes.open(handlers, { server: server ? [traceServerInterceptor()] : [], client }))
  }

  describe('the metadata', () => {
    const inbound = { traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` }

    it('names a new span under that of the caller, in its trace, and the clock twice', async () => {
      const port = recorder()
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      const caller = await runWithTrace(async () => {
        await unary(client)
        return currentTrace()
      })
      const [span] = port.spans('client')
      const [clock] = got[0]?.get('tracelane-clock') ?? []
      expect(got[0]?.get('traceparent')).to.deep.equal([`00-${caller?.traceId}-${span?.event.spanId}-03`])
      expect(span?.event.fields?.['parentSpanId']).to.equal(caller?.spanId)
      expect(clock).to.match(/^[0-9a-f]{16}$/)
      expect(got[0]?.get('tracestate')).to.deep.equal([`tl=${clock}`])
    })

    it('starts a new trace for each call outside any', async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      await unary(client)
      await unary(client)
      const ids = got.map((metadata) => /^00-([0-9a-f]{32})-[0-9a-f]{16}-03$/.exec(String(metadata.get('traceparent')))?.[1])
      expect(new Set(ids)).to.have.lengthOf(2)
      expect(ids).not.to.include(undefined)
    })

    it('of the caller stays as it was, with a new span for each call that shares it', async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      const mine = metadataOf({ mine: 'yes' })
      mine.setOptions({ waitForReady: true })
      await runWithTrace(async () => {
        await unary(client, mine)
        await unary(client, mine)
      })
      expect(mine.getMap()).to.deep.equal({ mine: 'yes' })
      expect(got.map((metadata) => metadata.get('mine'))).to.deep.equal([['yes'], ['yes']])
      expect(got[0]?.get('traceparent')).not.to.deep.equal(got[1]?.get('traceparent'))
    })

    it('keeps a valid traceparent of the caller, and nothing of ours beside it', async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      const traceparent = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`
      await runWithTrace(() => unary(client, metadataOf({ traceparent })))
      expect(got[0]?.get('traceparent')).to.deep.equal([traceparent])
      expect(got[0]?.get('tracestate')).to.deep.equal([])
      expect(got[0]?.get('tracelane-clock')).to.deep.equal([])
    })

    it('replaces an invalid or repeated traceparent of the caller, and never adds to it', async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      const repeated = new Metadata()
      repeated.add('traceparent', `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`)
      repeated.add('traceparent', `00-${'e'.repeat(32)}-${'d'.repeat(16)}-01`)
      const id = await runWithTrace(async () => {
        await unary(client, metadataOf({ traceparent: 'nonsense', tracestate: 'a=b' }))
        await unary(client, repeated)
        return currentTraceId()
      })
      for (const metadata of got) {
        expect(metadata.get('traceparent')).to.have.lengthOf(1)
        expect(String(metadata.get('traceparent'))).to.include(id)
        expect(String(metadata.get('tracestate'))).to.match(/^tl=[0-9a-f]{16}$/)
      }
    })

    it('takes the baggage of the trace along, as far as metadata can carry it', async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      const id = await runWithTrace(extractTrace({ ...inbound, baggage: 'theirs=2;a\t=\tb' }), async () => {
        await unary(client)
        return currentTraceId()
      })
      expect(got[0]?.get('baggage')).to.deep.equal(['theirs=2;a = b'])
      expect(String(got[0]?.get('traceparent'))).to.include(id)
    })

    it("keeps the caller's own baggage", async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      const context = extractTrace({ ...inbound, baggage: 'theirs=2' })
      await runWithTrace(context, () => unary(client, metadataOf({ baggage: 'mine=1' })))
      expect(got[0]?.get('baggage')).to.deep.equal(['mine=1'])
      expect(String(got[0]?.get('traceparent'))).to.include(context?.traceId)
    })
  })

  it('given twice traces once, also with another interceptor between', async () => {
    const between: Interceptor = (options, nextCall) => new InterceptingCall(nextCall(options))
    for (const others of [[], [between]]) {
      const port = recorder()
      const got: Metadata[] = []
      const { client } = await open(receiving(got), [traceClientInterceptor(), ...others, traceClientInterceptor()])
      await unary(client)
      await unary(client)
      const sent = got.map((metadata) => String(metadata.get('traceparent')).slice(3, 52))
      expect(port.spans('client').map(({ event }) => `${event.traceId}-${event.spanId}`)).to.deep.equal(sent)
    }
  })

  describe('the clock', () => {
    const AHEAD_MS = 30 * 60_000

    const hexOf = (ms: number): string => ms.toString(16).padStart(12, '0')

    /* The clock of a line logged here and now. */
    const line = (): string => captureEvent(currentScope(), { level: 'info', logger: 'test', msg: 'x' }).hlc

    /* Puts the clock of this trace far ahead, as that of a machine whose clock is wrong. */
    function skew(): void {
      const context = currentTrace() as TraceContext
      rootOf(context).clock.receive(`${hexOf(Date.now() + AHEAD_MS)}0000`, Date.now())
    }

    const serverLines: Readonly<Record<string, (lines: string[]) => LanesHandlers>> = {
      'an answer': (lines) => ({
        Unary(_call, callback) {
          skew()
          lines.push(line(), line())
          callback(null, { text: 'done' })
        },
      }),
      'an error without initial metadata': (lines) => ({
        Unary(_call, callback) {
          skew()
          lines.push(line(), line())
          callback({ code: status.NOT_FOUND })
        },
      }),
      'lines between initial metadata and trailers': (lines) => ({
        Unary(call, callback) {
          call.sendMetadata(new Metadata())
          skew()
          lines.push(line(), line())
          callback(null, { text: 'done' })
        },
      }),
    }
    for (const [what, handlers] of Object.entries(serverLines)) {
      it(`sorts what the caller logs after the reply after what the server logged before: ${what}`, async () => {
        const lines: string[] = []
        const { client } = await open(handlers(lines), [traceClientInterceptor()], true)
        const [before, after] = await runWithTrace(async () => {
          const first = line()
          await unary(client)
          return [first, line()]
        })
        const order = [before, ...lines, after]
        expect(order).to.have.lengthOf(4)
        expect([...order].sort()).to.deep.equal(order)
        expect(new Set(order)).to.have.lengthOf(4)
      })
    }

    it('comes with the initial metadata already, before the call has ended', async () => {
      const lines: string[] = []
      const { client } = await open(
        {
          Bidi(call) {
            skew()
            lines.push(line())
            call.sendMetadata(new Metadata())
            call.resume().on('end', () => call.end())
          },
        },
        [traceClientInterceptor()],
        true,
      )
      const after = await runWithTrace(
        () =>
          new Promise<string>((resolve) => {
            const call = client.Bidi(new Metadata())
            call.on('metadata', () => {
              const now = line()
              call.resume().on('end', () => resolve(now))
              call.end()
            })
          }),
      )
      expect(lines).to.have.lengthOf(1)
      expect(after > String(lines[0])).to.equal(true)
    })

    it('is taken from the reply to a trace that the caller injected by hand', async () => {
      const { client } = await open(serverLines['an answer']?.([]) as LanesHandlers, [traceClientInterceptor()], true)
      const half = hexOf(Date.now() + AHEAD_MS / 2)
      const after = await runWithTrace(async () => {
        await unary(client, injectTrace(new Metadata()))
        return line()
      })
      expect(after > half).to.equal(true)
    })

    it('is not taken from a callee that was not told ours', async () => {
      const { client } = await open({
        Unary(call, callback) {
          call.sendMetadata(metadataOf({ 'tracelane-clock': `${hexOf(Date.now() + AHEAD_MS)}0000` }))
          callback(null, { text: 'done' })
        },
      })
      const half = hexOf(Date.now() + AHEAD_MS / 2)
      const after = await runWithTrace(async () => {
        await unary(client, metadataOf({ traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` }))
        return line()
      })
      expect(after < half).to.equal(true)
    })

    it('is not moved by hostile clocks in the reply', async () => {
      const hostile = new Metadata()
      hostile.add('tracelane-clock', 'ffffffffffffffff')
      const { client } = await open({
        Unary(call, callback) {
          call.sendMetadata(metadataOf({ 'tracelane-clock': 'nonsense' }))
          callback(null, { text: 'done' }, hostile)
        },
      })
      const [reply, after] = await runWithTrace(async () => [await unary(client), line()] as const)
      expect(reply.code).to.equal(status.OK)
      expect(after < hexOf(Date.now() + AHEAD_MS)).to.equal(true)
    })
  })

  describe('the event at the end', () => {
    const meta = (): Metadata => new Metadata()

    it('comes once, with name, status, peer and the MDC of the caller', async () => {
      const port = recorder()
      const lanes = await open(receiving([]))
      await runWithTrace(() => {
        mdc.put('orderId', 7)
        return unary(lanes.client)
      })
      expect(port.spans('client')).to.have.lengthOf(1)
      const [span] = port.spans('client')
      expect(span).to.include({ name: 'lanes.Echo/Unary', status: 0, outcome: 'ok', peer: lanes.address, error: undefined })
      expect(span?.durationMs).to.be.within(0, 20_000)
      expect(span?.event.mdc).to.include({ orderId: 7 })
    })

    it('comes once for a call that the server fails', async () => {
      const port = recorder()
      const { client } = await open({ Unary: (_call, callback) => callback({ code: status.INTERNAL, details: 'no luck' }) })
      await unary(client)
      expect(port.spans('client')).to.have.lengthOf(1)
      expect(port.spans('client')[0]).to.include({ status: 13, outcome: 'error', error: 'INTERNAL: no luck' })
    })

    it('comes once for a deadline, and its callback is in the scope of the caller', async () => {
      const port = recorder()
      const { client } = await open({ Unary: () => undefined })
      const [id, seen] = await runWithTrace(
        () =>
          new Promise<unknown[]>((resolve) => {
            const before = currentTraceId()
            client.Unary({ text: 'x' }, meta(), { deadline: Date.now() + 30 }, () => resolve([before, currentTraceId()]))
          }),
      )
      expect(seen).to.equal(id)
      expect(port.spans('client').map(({ status: code, outcome }) => [code, outcome])).to.deep.equal([[4, 'error']])
    })

    it('comes once for a call that is cancelled twice, as aborted', async () => {
      const port = recorder()
      const meeting = new Meeting(1)
      const { client } = await open({ Unary: () => void meeting.arrive() })
      await new Promise<void>((resolve) => {
        const call = client.Unary({ text: 'x' }, meta(), {}, () => resolve())
        meeting.all.then(() => {
          call.cancel()
          call.cancel()
        })
      })
      expect(port.spans('client')).to.have.lengthOf(1)
      expect(port.spans('client')[0]).to.include({ status: 1, outcome: 'aborted', error: 'CANCELLED: Cancelled on client' })
    })

    it('comes once when an interceptor after ours reports the status twice', async () => {
      const port = recorder()
      const twice: Interceptor = (options, nextCall) =>
        new InterceptingCall(nextCall(options), {
          start: (metadata, _listener, next) =>
            next(metadata, {
              onReceiveStatus: (received, go) => {
                go(received)
                go(received)
              },
            }),
        })
      const { client } = await open(receiving([]), [traceClientInterceptor(), twice])
      await unary(client)
      await unary(client)
      expect(port.spans('client')).to.have.lengthOf(2)
    })

    it('comes once for a refused connection, with the address that was tried', async () => {
      const port = recorder()
      const address = `127.0.0.1:${await freePort()}`
      const client = new clientClasses['proto-loader'](address, credentials.createInsecure(), {
        interceptors: [traceClientInterceptor()],
      })
      own(client)
      expect(await unary(client)).to.have.property('code', status.UNAVAILABLE)
      expect(port.spans('client')).to.have.lengthOf(1)
      expect(port.spans('client')[0]).to.include({ status: 14, outcome: 'error', peer: address })
    })

    it('has the chosen fields alone', async () => {
      const port = recorder()
      const { client } = await open(receiving([]), [traceClientInterceptor({ spans: ['status'] })])
      await unary(client)
      const [{ event: _, durationMs: __, ...fields }] = port.spans('client') as [ReturnType<typeof port.spans>[number]]
      expect(fields).to.deep.equal({ kind: 'client', name: 'lanes.Echo/Unary', outcome: 'ok', status: 0 })
    })

    it('is left out with spans: false', async () => {
      const port = recorder()
      const { client } = await open(receiving([]), [traceClientInterceptor({ spans: false })])
      await unary(client)
      expect(port.events).to.deep.equal([])
    })
  })

  it('refuses an option that it does not know', () => {
    expect(() => traceClientInterceptor({ span: true } as object))
      .to.throw(/did you mean 'spans'/)
      .with.property('code', 'ERR_TRACELANE_OPTION_UNKNOWN')
  })
})

describe('traceClientInterceptor() under a retry policy', () => {
  const policy = {
    methodConfig: [
      {
        name: [{ service: 'lanes.Echo' }],
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.01s',
          maxBackoff: '0.01s',
          backoffMultiplier: 1,
          retryableStatusCodes: ['UNAVAILABLE'],
        },
      },
    ],
  }

  it('sends the same metadata with every attempt, and is one span', async () => {
    const got: Metadata[] = []
    const port = new PortRecorder()
    const handlers: LanesHandlers = {
      Unary(call, callback) {
        got.push(call.metadata)
        if (got.length < 3) callback({ code: status.UNAVAILABLE, details: 'not yet' })
        else callback(null, { text: 'done' })
      },
    }
    const lanes = await Lanes.open(handlers, { server: [traceServerInterceptor()] })
    const Client = clientClasses['proto-loader']
    const options = { interceptors: [traceClientInterceptor()], 'grpc.service_config': JSON.stringify(policy) }
    const client = new Client(lanes.address, credentials.createInsecure(), options)
    const reply = await runWithTrace(() => unary(client))
    expect(reply.code).to.equal(status.OK)
    expect(got.map((metadata) => metadata.get('grpc-previous-rpc-attempts')[0])).to.deep.equal([undefined, '1', '2'])
    const ours = got.map((metadata) => ['traceparent', 'tracestate', 'tracelane-clock'].map((key) => metadata.get(key)))
    expect(ours[0]?.flat()).to.have.length(3)
    expect(ours[1]).to.deep.equal(ours[0])
    expect(ours[2]).to.deep.equal(ours[0])
    const [span, ...more] = port.spans('client')
    expect(more).to.deep.equal([])
    expect(span).to.include({ name: 'lanes.Echo/Unary', outcome: 'ok', status: status.OK })
    expect(port.spans('server').map(({ outcome }) => outcome)).to.deep.equal(['error', 'error', 'ok'])
    for (const { event } of port.spans('server')) expect(event.fields?.['parentSpanId']).to.equal(span?.event.spanId)
    client.close()
    lanes.close()
    port.close()
  })
})

describe('traceClientInterceptor() and an error that is trailers only', () => {
  it('knows status, duration and clock of the reply, for every call type', async () => {
    const port = new PortRecorder()
    const refusal = { code: status.NOT_FOUND, details: 'no such lane' }
    const handlers: LanesHandlers = {
      Unary: (_call, callback) => callback(refusal),
      ClientStream: (_call, callback) => callback(refusal),
      ServerStream: (call) => call.emit('error', refusal),
      Bidi: (call) => call.emit('error', refusal),
    }
    const interceptors = { server: [traceServerInterceptor()], client: [traceClientInterceptor()] }
    const lanes = await Lanes.open(handlers, interceptors)
    const { client } = lanes
    const metadata = new Metadata()
    const ended = (call: { on(event: string, listener: () => void): unknown; resume?(): unknown }): Promise<void> =>
      new Promise((resolve) => {
        call.on('error', () => undefined)
        call.on('status', () => resolve())
        call.resume?.()
      })
    const before = port.events.length
    const clocks = await runWithTrace(async () => {
      await ended(client.Unary({ text: 'x' }, metadata, {}, () => undefined))
      await ended(client.ClientStream(metadata, {}, () => undefined))
      await ended(client.ServerStream({ text: 'x' }, metadata))
      await ended(client.Bidi(metadata))
      return captureEvent(currentScope(), { level: 'info', logger: 'test', msg: 'after' }).hlc
    })
    expect(before).to.equal(0)
    for (const kind of ['client', 'server'] as const) {
      const spans = port.spans(kind)
      expect(spans.map(({ name }) => name.split('/')[1])).to.have.members(['Unary', 'ClientStream', 'ServerStream', 'Bidi'])
      for (const span of spans) {
        expect(span).to.include({ status: status.NOT_FOUND, outcome: 'ok' })
        expect(span.durationMs).to.be.above(0).and.below(5000)
        expect(span.event.hlc < clocks, `${span.event.hlc} before ${clocks}`).to.equal(true)
      }
    }
    lanes.close()
    port.close()
  })
})
