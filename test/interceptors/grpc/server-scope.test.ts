import { type Interceptor, type ServerInterceptor, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTrace, currentTraceId, runWithTrace, withSpan } from 'tracelane'
import { traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { allIn, Lanes, type LanesHandlers, Meeting, ownOfTest, Sightings, unary } from '../../support/grpc-lanes'
import {
  caller,
  callOf,
  callTypes,
  handlerEvents,
  ignore,
  NAMES,
  TRACES,
  watched,
  whoOf,
  writeMany,
} from '../../support/grpc-server-events'

describe('traceServerInterceptor()', () => {
  const own = ownOfTest()

  async function open(
    handlers: LanesHandlers,
    server: ServerInterceptor[] = [traceServerInterceptor()],
    client: Interceptor[] = [],
  ): Promise<Lanes> {
    return own(await Lanes.open(handlers, { server, client }))
  }

  const answering: LanesHandlers = { Unary: (_call, callback) => callback(null, { text: 'done' }) }
  describe('the scope of a call', () => {
    for (const type of callTypes) {
      it(`holds in every event of two interleaved calls on one session: ${type}`, async () => {
        const sightings = new Sightings()
        const { handlers, ended } = watched(sightings)
        const lanes = await open(handlers)
        for (const who of NAMES) callOf(type, lanes, caller(who))
        await ended
        for (const who of NAMES) expect(sightings.table(who)).to.deep.equal(allIn(TRACES[who] as string, handlerEvents[type]))
      })
    }

    for (const type of callTypes) {
      it(`holds in the events of a call that the client cancels: ${type}`, async () => {
        const sightings = new Sightings()
        const meeting = new Meeting(NAMES.length)
        const ending = new Meeting(NAMES.length)
        const handle = (call: Parameters<NonNullable<LanesHandlers['Bidi']>>[0]): void => {
          const who = whoOf(call)
          sightings.note(who, 'handler')
          sightings.watch(who, call, ['cancelled'])
          call.on('cancelled', () => ending.arrive())
          meeting.arrive()
        }
        const lanes = await open(Object.fromEntries(callTypes.map((name) => [name, handle])) as LanesHandlers)
        const calls = NAMES.map((who) => {
          if (type === 'Unary') return lanes.client.Unary({ text: 'x' }, caller(who), {}, ignore)
          if (type === 'ServerStream') return lanes.client.ServerStream({ text: 'x' }, caller(who)).on('error', ignore).resume()
          if (type === 'Bidi') return lanes.client.Bidi(caller(who)).on('error', ignore).resume()
          return lanes.client.ClientStream(caller(who), {}, ignore).on('error', ignore)
        })
        await meeting.all
        for (const call of calls.reverse()) call.cancel()
        await ending.all
        for (const who of NAMES)
          expect(sightings.table(who)).to.deep.equal(allIn(TRACES[who] as string, ['cancelled', 'handler']))
      })
    }

    it("holds in 'error' of a stream that is destroyed later", async () => {
      const sightings = new Sightings()
      const ending = new Meeting(NAMES.length)
      const meeting = new Meeting(NAMES.length)
      const lanes = await open({
        async Bidi(call) {
          sightings.watch(whoOf(call), call, ['error'])
          call.on('error', () => ending.arrive())
          await meeting.arrive()
          call.destroy(new Error('broken'))
        },
      })
      for (const who of NAMES) lanes.client.Bidi(caller(who)).on('error', ignore).resume()
      await ending.all
      for (const who of NAMES) expect(sightings.table(who)).to.deep.equal(allIn(TRACES[who] as string, ['error']))
    })

    it("holds in 'drain' of a stream that another call writes to", async () => {
      const sightings = new Sightings()
      const meeting = new Meeting(NAMES.length)
      const ending = new Meeting(NAMES.length)
      const streams = new Map<string, Parameters<NonNullable<LanesHandlers['Bidi']>>[0]>()
      const lanes = await open({
        async Bidi(call) {
          const who = whoOf(call)
          streams.set(who, call)
          sightings.watch(who, call, ['drain'])
          await meeting.arrive()
          const other = streams.get(who === 'A' ? 'B' : 'A') as typeof call
          await writeMany(other, ignore)
          await ending.arrive()
          call.end()
        },
      })
      for (const who of NAMES) lanes.client.Bidi(caller(who)).on('error', ignore).resume()
      await ending.all
      for (const who of NAMES) expect(sightings.table(who)).to.deep.equal(allIn(TRACES[who] as string, ['drain']))
    })

    it('leaves a write callback in the span that wrote', async () => {
      const ids = await new Promise<readonly unknown[]>((resolve, reject) => {
        open({
          ServerStream(call) {
            withSpan('write', () => {
              const inside = currentTrace()?.spanId
              call.write({ text: 'x' }, () => {
                resolve([inside, currentTrace()?.spanId])
                call.end()
              })
            })
          },
        }).then((lanes) => lanes.client.ServerStream({ text: 'x' }, caller('A')).resume(), reject)
      })
      expect(ids[0]).to.be.a('string').and.equal(ids[1])
    })

    it('replaces the scope in which the server was made', async () => {
      let seen: string | undefined
      const lanes = await runWithTrace(() =>
        open({
          Unary(_call, callback) {
            seen = currentTraceId()
            callback(null, { text: 'done' })
          },
        }),
      )
      await unary(lanes.client, caller('A'))
      expect(seen).to.equal(TRACES['A'])
    })

    it('reaches the interceptors after ours', async () => {
      let seen: string | undefined
      const { ServerInterceptingCall } = await import('@grpc/grpc-js')
      const later: ServerInterceptor = (_method, call) =>
        new ServerInterceptingCall(call, {
          start: (next) =>
            next({
              onReceiveMetadata: (metadata, go) => {
                seen = currentTraceId()
                go(metadata)
              },
            }),
        })
      const lanes = await open(answering, [traceServerInterceptor(), later])
      expect(await unary(lanes.client, caller('A'))).to.have.property('code', status.OK)
      expect(seen).to.equal(TRACES['A'])
    })
  })
})
