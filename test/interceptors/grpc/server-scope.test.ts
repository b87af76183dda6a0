import { type Metadata, type ServerInterceptor, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTrace, currentTraceId, runWithTrace, withSpan } from 'tracelane'
import { traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { allIn, Lanes, type LanesHandlers, Meeting, metadataOf, Sightings, unary } from '../../support/grpc-lanes'

const TRACES: Readonly<Record<string, string>> = { A: 'a'.repeat(32), B: 'b'.repeat(32) }
const NAMES = ['A', 'B']
/** More than a stream's high-water mark of 16 messages, so that 'drain' comes. */
const MANY = 20

const handlerEvents = {
  Unary: ['await', 'cancelled', 'handler', 'timer'],
  ClientStream: ['await', 'cancelled', 'close', 'data', 'end', 'handler'],
  ServerStream: ['await', 'cancelled', 'close', 'drain', 'finish', 'handler', 'write callback'],
  Bidi: ['await', 'cancelled', 'close', 'data', 'drain', 'end', 'finish', 'handler', 'write callback'],
} as const

type CallType = keyof typeof handlerEvents
const callTypes = Object.keys(handlerEvents) as CallType[]

function caller(who: string, extra: Readonly<Record<string, string>> = {}): Metadata {
  return metadataOf({ who, traceparent: `00-${TRACES[who]}-1111111111111111-03`, ...extra })
}

function whoOf({ metadata }: { metadata: Metadata }): string {
  return String(metadata.get('who')[0])
}

interface Writer {
  write(message: { text: string }, callback: () => void): boolean
  once(event: 'drain', listener: () => void): unknown
}

async function writeMany(writer: Writer, written: () => void): Promise<void> {
  const drained = new Promise<void>((resolve) => writer.once('drain', resolve))
  for (let i = 0; i < MANY; i++) writer.write({ text: String(i) }, written)
  await drained
}

/* Handlers that note the trace of each event, and the promise that all their calls have ended. */
function watched(sightings: Sightings): { handlers: LanesHandlers; ended: Promise<void> } {
  const meeting = new Meeting(NAMES.length)
  const ending = new Meeting(NAMES.length * 2)
  const note = (call: { metadata: Metadata }, event: string): void => sightings.note(whoOf(call), event)
  const handlers: LanesHandlers = {
    async Unary(call, callback) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled'])
      call.on('cancelled', () => {
        ending.arrive()
        ending.arrive()
      })
      await meeting.arrive()
      note(call, 'await')
      setImmediate(() => {
        note(call, 'timer')
        callback(null, { text: 'done' })
      })
    },
    ClientStream(call, callback) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled', 'close', 'data', 'end'])
      for (const last of ['cancelled', 'close']) call.on(last, () => ending.arrive())
      call.on('end', async () => {
        await meeting.arrive()
        note(call, 'await')
        callback(null, { text: 'done' })
      })
    },
    async ServerStream(call) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled', 'close', 'drain', 'finish'])
      for (const last of ['cancelled', 'close']) call.on(last, () => ending.arrive())
      await meeting.arrive()
      note(call, 'await')
      await writeMany(call, () => note(call, 'write callback'))
      call.end()
    },
    Bidi(call) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled', 'close', 'data', 'drain', 'end', 'finish'])
      for (const last of ['cancelled', 'close']) call.on(last, () => ending.arrive())
      call.on('end', async () => {
        await meeting.arrive()
        note(call, 'await')
        await writeMany(call, () => note(call, 'write callback'))
        call.end()
      })
    },
  }
  return { handlers, ended: ending.all }
}

/* The server is closed when its own events have come, which may be before the client has its status. */
const ignore = (): undefined => undefined

function callOf(type: CallType, lanes: Lanes, metadata: Metadata): void {
  const { client } = lanes
  const many = Array.from({ length: 3 }, (_, i) => ({ text: String(i) }))
  if (type === 'Unary') client.Unary({ text: 'x' }, metadata, {}, ignore)
  else if (type === 'ServerStream') client.ServerStream({ text: 'x' }, metadata).on('error', ignore).resume()
  else {
    const call = type === 'Bidi' ? client.Bidi(metadata).resume() : client.ClientStream(metadata, {}, ignore)
    call.on('error', ignore)
    for (const message of many) call.write(message)
    call.end()
  }
}

describe('traceServerInterceptor()', () => {
  const opened: { close(): void }[] = []

  afterEach(() => {
    for (const thing of opened.splice(0)) thing.close()
  })

  async function open(
    handlers: LanesHandlers,
    server: ServerInterceptor[] = [traceServerInterceptor()],
    client: Parameters<typeof Lanes.open>[1]['client'] = [],
  ): Promise<Lanes> {
    const lanes = await Lanes.open(handlers, { server, client })
    opened.push(lanes)
    return lanes
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
