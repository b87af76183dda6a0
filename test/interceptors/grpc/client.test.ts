import { type CallOptions, InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTrace, currentTraceId, injectTrace, mdc, runWithTrace, type TraceContext } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { currentScope, rootOf } from '../../../lib/context'
import { captureEvent } from '../../../lib/event'
import {
  allIn,
  clientClasses,
  Lanes,
  type LanesClient,
  type LanesHandlers,
  Meeting,
  metadataOf,
  PortRecorder,
  Sightings,
  unary,
} from '../../support/grpc-lanes'
import { freePort } from '../../support/waiting'

const NAMES = ['A', 'B', 'outside']
/** More than a stream's high-water mark of 16 messages, so that 'drain' comes. */
const MANY = 20

const callerEvents = {
  Unary: ['await', 'callback', 'metadata', 'status'],
  ClientStream: ['await', 'callback', 'close', 'drain', 'finish', 'metadata', 'status', 'write callback'],
  ServerStream: ['close', 'data', 'end', 'for await', 'metadata', 'status'],
  Bidi: ['close', 'data', 'drain', 'end', 'finish', 'metadata', 'status', 'write callback'],
} as const

const failureEvents = {
  Unary: ['callback', 'status'],
  ClientStream: ['callback', 'status'],
  ServerStream: ['close', 'error', 'status'],
  Bidi: ['error', 'status'],
} as const

type CallType = keyof typeof callerEvents
const callTypes = Object.keys(callerEvents) as CallType[]

/* Handlers that answer when all callers are there, so that their replies come in one go. */
function together(): LanesHandlers {
  const meeting = new Meeting(NAMES.length)
  return {
    async Unary(_call, callback) {
      await meeting.arrive()
      callback(null, { text: 'done' })
    },
    ClientStream(call, callback) {
      call.resume().on('end', async () => {
        await meeting.arrive()
        callback(null, { text: 'done' })
      })
    },
    async ServerStream(call) {
      if (call.request.text !== 'iterate') await meeting.arrive()
      for (let i = 0; i < 3; i++) call.write({ text: String(i) })
      call.end()
    },
    Bidi(call) {
      call.resume().on('end', async () => {
        await meeting.arrive()
        for (let i = 0; i < 3; i++) call.write({ text: String(i) })
        call.end()
      })
    },
  }
}

function refusing(code: status): LanesHandlers {
  const meeting = new Meeting(NAMES.length)
  const refuse = { code, details: 'no luck' }
  return {
    Unary: (_call, callback) => void meeting.arrive().then(() => callback(refuse)),
    ClientStream: (_call, callback) => void meeting.arrive().then(() => callback(refuse)),
    ServerStream: (call) => void meeting.arrive().then(() => call.emit('error', refuse)),
    Bidi: (call) => void meeting.arrive().then(() => call.emit('error', refuse)),
  }
}

/* Makes a call and notes the trace of each of its events; resolves when all of them have come. */
async function watchedCall(type: CallType, client: LanesClient, who: string, sightings: Sightings): Promise<void> {
  const ended = (call: NodeJS.EventEmitter, last: string): Promise<void> =>
    new Promise((resolve) => call.on(last, () => resolve()))
  const note = (event: string) => (): void => sightings.note(who, event)
  if (type === 'Unary') {
    await new Promise<void>((resolve) => {
      const call = client.Unary({ text: 'x' }, new Metadata(), {}, note('callback'))
      sightings.watch(who, call, ['metadata', 'status'])
      call.on('status', () => resolve())
    })
    return note('await')()
  }
  if (type === 'ServerStream') {
    const call = client.ServerStream({ text: 'x' }, new Metadata())
    sightings.watch(who, call, ['metadata', 'status', 'data', 'end', 'close'])
    await Promise.all([ended(call, 'close'), ended(call, 'status')])
    for await (const _message of client.ServerStream({ text: 'iterate' }, new Metadata())) note('for await')()
    return
  }
  const call = type === 'Bidi' ? client.Bidi(new Metadata()) : client.ClientStream(new Metadata(), {}, note('callback'))
  sightings.watch(who, call, ['metadata', 'status', 'drain', 'finish', 'close', ...(type === 'Bidi' ? ['data', 'end'] : [])])
  const all = Promise.all([ended(call, 'close'), ended(call, 'status')])
  for (let i = 0; i < MANY; i++) call.write({ text: String(i) }, note('write callback'))
  call.once('drain', () => call.end())
  await all
  if (type === 'ClientStream') note('await')()
}

/* The same for calls that fail. */
function failedCall(type: CallType, client: LanesClient, who: string, sightings: Sightings, options: CallOptions = {}) {
  const callback = (): void => sightings.note(who, 'callback')
  const call =
    type === 'Unary'
      ? client.Unary({ text: 'x' }, new Metadata(), options, callback)
      : type === 'ClientStream'
        ? client.ClientStream(new Metadata(), options, callback)
        : type === 'ServerStream'
          ? client.ServerStream({ text: 'x' }, new Metadata(), options).resume()
          : client.Bidi(new Metadata(), options).resume()
  sightings.watch(
    who,
    call,
    failureEvents[type].filter((event) => event !== 'callback'),
  )
  const last = type === 'ServerStream' ? 'close' : 'status'
  return { call, ended: new Promise<void>((resolve) => call.on(last, () => resolve())) }
}

function inLane<R>(who: string, ids: Map<string, TraceContext | undefined>, fn: () => R): R {
  const run = (): R => {
    ids.set(who, currentTrace())
    return fn()
  }
  return who === 'outside' ? run() : runWithTrace(run)
}

describe('traceClientInterceptor()', () => {
  const opened: { close(): void }[] = []

  afterEach(() => {
    for (const thing of opened.splice(0)) thing.close()
  })

  function recorder(): PortRecorder {
    const made = new PortRecorder()
    opened.push(made)
    return made
  }

  async function open(
    handlers: LanesHandlers,
    client: Interceptor[] = [traceClientInterceptor()],
    server = false,
  ): Promise<Lanes> {
    const lanes = await Lanes.open(handlers, { server: server ? [traceServerInterceptor()] : [], client })
    opened.push(lanes)
    return lanes
  }

  /* What the server got. */
  function receiving(got: Metadata[]): LanesHandlers {
    return {
      Unary(call, callback) {
        got.push(call.metadata)
        callback(null, { text: 'done' })
      },
    }
  }

  describe('the scope of the caller', () => {
    for (const [by, clientClass] of Object.entries(clientClasses)) {
      for (const type of callTypes) {
        it(`holds in every event of interleaved calls on one session: ${type}, ${by} client`, async () => {
          const lanes = await Lanes.open(together(), { client: [traceClientInterceptor()] }, clientClass)
          opened.push(lanes)
          const sightings = new Sightings()
          const ids = new Map<string, TraceContext | undefined>()
          await Promise.all(NAMES.map((who) => inLane(who, ids, () => watchedCall(type, lanes.client, who, sightings))))
          for (const who of NAMES) {
            for (const id of ['traceId', 'spanId'] as const) {
              expect(sightings.table(who, id), who).to.deep.equal(allIn(ids.get(who)?.[id] ?? 'none', callerEvents[type]))
            }
          }
        })
      }
    }

    for (const type of callTypes) {
      it(`holds in the events of calls that the server refuses: ${type}`, async () => {
        const lanes = await open(refusing(status.FAILED_PRECONDITION))
        const sightings = new Sightings()
        const ids = new Map<string, TraceContext | undefined>()
        await Promise.all(NAMES.map((who) => inLane(who, ids, () => failedCall(type, lanes.client, who, sightings).ended)))
        for (const who of NAMES)
          expect(sightings.table(who)).to.include(allIn(ids.get(who)?.traceId ?? 'none', failureEvents[type]))
      })

      it(`holds in the events of calls that another flow cancels: ${type}`, async () => {
        const meeting = new Meeting(NAMES.length)
        const wait = (): void => void meeting.arrive()
        const lanes = await open({ Unary: wait, ClientStream: wait, ServerStream: wait, Bidi: wait })
        const sightings = new Sightings()
        const ids = new Map<string, TraceContext | undefined>()
        const calls = NAMES.map((who) => inLane(who, ids, () => failedCall(type, lanes.client, who, sightings)))
        await meeting.all
        runWithTrace(() => {
          for (const { call } of calls) call.cancel()
        })
        await Promise.all(calls.map(({ ended }) => ended))
        for (const who of NAMES)
          expect(sightings.table(who)).to.include(allIn(ids.get(who)?.traceId ?? 'none', failureEvents[type]))
      })
    }

    it('holds for an interceptor given to one call', async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got), [])
      const [id, seen] = await runWithTrace(
        () =>
          new Promise<unknown[]>((resolve) => {
            const before = currentTraceId()
            const options = { interceptors: [traceClientInterceptor()] }
            client.Unary({ text: 'x' }, new Metadata(), options, () => resolve([before, currentTraceId()]))
          }),
      )
      expect(id).to.be.a('string').and.equal(seen)
      expect(String(got[0]?.get('traceparent'))).to.include(String(id))
    })

    it('is that of the call, also if an interceptor before ours starts it from another flow', async () => {
      let start: (() => void) | undefined
      const holding: Interceptor = (options, nextCall) =>
        new InterceptingCall(nextCall(options), {
          start: (metadata, listener, next) => {
            start = () => next(metadata, listener)
          },
        })
      const got: Metadata[] = []
      const { client } = await open(receiving(got), [holding, traceClientInterceptor()])
      const call = runWithTrace(() => ({ id: currentTraceId(), reply: unary(client) }))
      runWithTrace(() => start?.())
      await call.reply
      expect(String(got[0]?.get('traceparent'))).to.include(call.id)
    })
  })

  describe('the metadata', () => {
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

    it("keeps the caller's own baggage", async () => {
      const got: Metadata[] = []
      const { client } = await open(receiving(got))
      await unary(client, metadataOf({ baggage: 'mine=1' }))
      expect(got[0]?.get('baggage')).to.deep.equal(['mine=1'])
    })
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

    it('comes once for a refused connection, with the address that was tried', async () => {
      const port = recorder()
      const address = `127.0.0.1:${await freePort()}`
      const { credentials } = await import('@grpc/grpc-js')
      const client = new clientClasses['proto-loader'](address, credentials.createInsecure(), {
        interceptors: [traceClientInterceptor()],
      })
      opened.push(client)
      const sightings = new Sightings()
      const ids = new Map<string, TraceContext | undefined>()
      await Promise.all(['A', 'B'].map((who) => inLane(who, ids, () => failedCall('Unary', client, who, sightings).ended)))
      for (const who of ['A', 'B'])
        expect(sightings.table(who)).to.deep.equal(allIn(String(ids.get(who)?.traceId), ['callback', 'status']))
      expect(port.spans('client').map(({ status: code, outcome, peer }) => [code, outcome, peer])).to.deep.equal([
        [14, 'error', address],
        [14, 'error', address],
      ])
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
