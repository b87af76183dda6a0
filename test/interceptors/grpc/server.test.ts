import { Metadata, type ServerInterceptor, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { currentTrace, currentTraceId, runWithTrace, withSpan } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import {
  allIn,
  Lanes,
  type LanesHandlers,
  Meeting,
  metadataOf,
  PortRecorder,
  rawUnary,
  Sightings,
  unary,
} from '../../support/grpc-lanes'

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

function callOf(type: CallType, lanes: Lanes, metadata: Metadata): void {
  const { client } = lanes
  const many = Array.from({ length: 3 }, (_, i) => ({ text: String(i) }))
  if (type === 'Unary') client.Unary({ text: 'x' }, metadata, {}, () => undefined)
  else if (type === 'ServerStream') client.ServerStream({ text: 'x' }, metadata).resume()
  else {
    const call = type === 'Bidi' ? client.Bidi(metadata).resume() : client.ClientStream(metadata, {}, () => undefined)
    for (const message of many) call.write(message)
    call.end()
  }
}

describe('traceServerInterceptor()', () => {
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
    server: ServerInterceptor[] = [traceServerInterceptor()],
    client: Parameters<typeof Lanes.open>[1]['client'] = [],
  ): Promise<Lanes> {
    const lanes = await Lanes.open(handlers, { server, client })
    opened.push(lanes)
    return lanes
  }

  const answering: LanesHandlers = { Unary: (_call, callback) => callback(null, { text: 'done' }) }
  const refusing = (code: status, metadata?: Metadata): LanesHandlers => ({
    Unary: (_call, callback) => callback({ code, details: 'no luck', ...(metadata && { metadata }) }),
  })

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
          const quiet = (): undefined => undefined
          if (type === 'Unary') return lanes.client.Unary({ text: 'x' }, caller(who), {}, quiet)
          if (type === 'ServerStream') return lanes.client.ServerStream({ text: 'x' }, caller(who)).on('error', quiet).resume()
          if (type === 'Bidi') return lanes.client.Bidi(caller(who)).on('error', quiet).resume()
          return lanes.client.ClientStream(caller(who), {}, quiet).on('error', quiet)
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
      for (const who of NAMES)
        lanes.client
          .Bidi(caller(who))
          .on('error', () => undefined)
          .resume()
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
          await writeMany(other, () => undefined)
          await ending.arrive()
          call.end()
        },
      })
      for (const who of NAMES)
        lanes.client
          .Bidi(caller(who))
          .on('error', () => undefined)
          .resume()
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
      it(`has the clock in initial metadata and trailers only if the caller sends one: ${what}`, async () => {
        const expected = what === 'sends' ? 1 : 0
        const lanes = await open(answering)
        const reply = await unary(lanes.client, caller('A', callerSends))
        expect(reply.initial.get('tracelane-clock')).to.have.lengthOf(expected)
        expect(reply.trailers.get('tracelane-clock')).to.have.lengthOf(expected)
        const failing = await open(refusing(status.NOT_FOUND))
        const failure = await unary(failing.client, caller('A', callerSends))
        expect(failure.trailers.get('tracelane-clock')).to.have.lengthOf(expected)
        if (expected === 1)
          expect(String(reply.trailers.get('tracelane-clock')[0]) > String(reply.initial.get('tracelane-clock')[0])).to.equal(
            true,
          )
      })
    }

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
      const lanes = await open({
        Unary(call, callback) {
          call.on('cancelled', () => callback(null, { text: 'too late' }))
        },
      })
      const reply = await rawUnary(lanes.address, { traceparent: `00-${TRACES['A']}-1111111111111111-03`, 'grpc-timeout': '20m' })
      expect(reply).to.include({ 'grpc-status': '4', 'x-trace-id': TRACES['A'] })
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
