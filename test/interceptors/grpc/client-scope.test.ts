import { type CallOptions, credentials, InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTrace, currentTraceId, runWithTrace, type TraceContext } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { CALLERS, type CallType, callerEvents, callTypes, together, watchedCall } from '../../support/grpc-client-events'
import {
  allIn,
  clientClasses,
  Lanes,
  type LanesClient,
  type LanesHandlers,
  Meeting,
  ownOfTest,
  receiving,
  Sightings,
  unary,
} from '../../support/grpc-lanes'
import { freePort } from '../../support/waiting'

const failureEvents = {
  Unary: ['callback', 'status'],
  ClientStream: ['callback', 'status'],
  ServerStream: ['close', 'error', 'status'],
  Bidi: ['error', 'status'],
} as const

function refusing(code: status): LanesHandlers {
  const meeting = new Meeting(CALLERS.length)
  const refuse = { code, details: 'no luck' }
  return {
    Unary: (_call, callback) => void meeting.arrive().then(() => callback(refuse)),
    ClientStream: (_call, callback) => void meeting.arrive().then(() => callback(refuse)),
    ServerStream: (call) => void meeting.arrive().then(() => call.emit('error', refuse)),
    Bidi: (call) => void meeting.arrive().then(() => call.emit('error', refuse)),
  }
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
  const own = ownOfTest()

  async function open(handlers: LanesHandlers, client = [traceClientInterceptor()], server = false): Promise<Lanes> {
    return own(await Lanes.open(handlers, { server: server ? [traceServerInterceptor()] : [], client }))
  }

  describe('the scope of the caller', () => {
    for (const [by, clientClass] of Object.entries(clientClasses)) {
      for (const type of callTypes) {
        it(`holds in every event of interleaved calls on one session: ${type}, ${by} client`, async () => {
          const lanes = await Lanes.open(together(), { client: [traceClientInterceptor()] }, clientClass)
          own(lanes)
          const sightings = new Sightings()
          const ids = new Map<string, TraceContext | undefined>()
          await Promise.all(CALLERS.map((who) => inLane(who, ids, () => watchedCall(type, lanes.client, who, sightings))))
          for (const who of CALLERS) {
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
        await Promise.all(CALLERS.map((who) => inLane(who, ids, () => failedCall(type, lanes.client, who, sightings).ended)))
        for (const who of CALLERS)
          expect(sightings.table(who)).to.include(allIn(ids.get(who)?.traceId ?? 'none', failureEvents[type]))
      })

      it(`holds in the events of calls that another flow cancels: ${type}`, async () => {
        const meeting = new Meeting(CALLERS.length)
        const wait = (): void => void meeting.arrive()
        const lanes = await open({ Unary: wait, ClientStream: wait, ServerStream: wait, Bidi: wait })
        const sightings = new Sightings()
        const ids = new Map<string, TraceContext | undefined>()
        const calls = CALLERS.map((who) => inLane(who, ids, () => failedCall(type, lanes.client, who, sightings)))
        await meeting.all
        runWithTrace(() => {
          for (const { call } of calls) call.cancel()
        })
        await Promise.all(calls.map(({ ended }) => ended))
        for (const who of CALLERS)
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

    it('holds in the events of calls whose connection is refused', async () => {
      const client = new clientClasses.generic(`127.0.0.1:${await freePort()}`, credentials.createInsecure(), {
        interceptors: [traceClientInterceptor()],
      })
      own(client)
      const sightings = new Sightings()
      const ids = new Map<string, TraceContext | undefined>()
      await Promise.all(CALLERS.map((who) => inLane(who, ids, () => failedCall('Unary', client, who, sightings).ended)))
      for (const who of CALLERS) {
        expect(sightings.table(who)).to.deep.equal(allIn(ids.get(who)?.traceId ?? 'none', failureEvents.Unary))
      }
    })
  })
})
