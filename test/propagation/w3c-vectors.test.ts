import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Metadata, type ServiceError } from '@grpc/grpc-js'
import axios from 'axios'
import { expect } from 'chai'
import express from 'express'
import { Baggage, type BaggageEntry, currentTrace, runWithTrace, TraceContext } from 'tracelane'
import { traceAxios } from 'tracelane/interceptors/axios'
import { traceFetch } from 'tracelane/interceptors/fetch'
import { traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { traceMiddleware } from 'tracelane/middleware/express'
import { rootOf } from '../../lib/context'
import { projectFile } from '../support'
import { Lanes, type Message } from '../support/grpc-lanes'
import { serve, type TestServer } from '../support/http-server'
import { rawConnect } from '../support/raw-http'
import { flagsOf, type W3cCase, w3cCases } from '../support/w3c-cases'
import { baggageVectors, requestVectors, traceContextVectors, w3cRules } from '../vectors'

const cases = w3cCases()

describe('the vectors of W3C trace context and baggage', () => {
  it('are there for every rule of the Recommendations, and each belongs to a rule', () => {
    const { rules } = w3cRules()
    const begins = rules.flatMap(({ vectors = [] }) => vectors)
    const unknown = begins.filter((begin) => !cases.some(({ rule }) => rule.startsWith(begin)))
    const loose = cases.filter(({ rule }) => !rule.startsWith('our') && !begins.some((begin) => rule.startsWith(begin)))
    const untested = rules.filter(({ vectors, test }) => {
      return vectors === undefined && (test === undefined || !readFileSync(projectFile(test[0]), 'utf8').includes(test[1]))
    })
    expect({ unknown, loose: loose.map(({ rule }) => rule), untested }).to.deep.equal({ unknown: [], loose: [], untested: [] })
    expect(new Set(rules.map(({ id }) => id)).size).to.equal(rules.length)
  })

  it('are all sent', () => {
    const { traceparent, tracestate, formatTraceparent, formatTracestate } = traceContextVectors()
    const { extract, inject } = baggageVectors()
    const lists = [traceparent, tracestate, formatTraceparent, formatTracestate, extract, inject, requestVectors().requests]
    expect(cases.length).to.equal(lists.reduce((sum, { length }) => sum + length, 0))
  })
})

/* What a server says of itself, as JSON. */
interface Said {
  readonly context: Omit<TraceContext, 'baggage'>
  readonly baggage: readonly unknown[]
}

/* One way through real sockets: a client with no code of ours, a server, its call, and a server that only writes down. */
interface Way {
  readonly name: string
  /** What this way cannot carry at all: by rule, why; the client or the parser of Node.js refuses it, which is tested. */
  readonly refused: Readonly<Record<string, string>>
  /** Of what this way loses headers: by rule, why. The request arrives without them. */
  readonly dropped: Readonly<Record<string, string>>
  open(recorder: TestServer): Promise<Opened>
}

interface Opened {
  /** Rejects if the request cannot be sent or is not taken. */
  send(one: W3cCase, path: string): Promise<Said>
  close(): Promise<void>
}

function baggageOf(entries: W3cCase['baggage']): Baggage {
  return new Baggage(
    entries.map(([key, value, properties]): [string, BaggageEntry] => [key, { value, properties: properties ?? undefined }]),
  )
}

/* What both handlers do: say what they see, and call on. */
async function handled(path: string, call: (path: string) => Promise<unknown>): Promise<Said> {
  const context = currentTrace() as TraceContext
  const { sets } = cases[Number(path.slice(1))] as W3cCase
  if (sets === undefined) await call(path)
  else await runWithTrace(new TraceContext({ ...context, baggage: baggageOf(sets) }, rootOf(context)), () => call(path))
  const baggage = [...context.baggage.entries()].map(([key, { value, properties }]) => [key, value, properties ?? null])
  return { context, baggage }
}

/* Header values are bytes: what is beyond ASCII is sent as UTF-8. */
async function exchange(port: number, path: string, headers: W3cCase['headers']): Promise<string> {
  const { socket, text } = await rawConnect(port)
  const lines = [`GET ${path} HTTP/1.1`, 'host: x', 'connection: close', ...headers.map(([name, value]) => `${name}: ${value}`)]
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
  await once(socket, 'close')
  const [head = '', body = ''] = Buffer.from(text(), 'latin1').toString().split('\r\n\r\n')
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(head.split('\r\n')[0])
  return body
}

const CONTROL = 'the HTTP parser of Node.js answers a control character with 400'

/* All of the same reason: gRPC metadata is printable ASCII, and the client refuses anything else. */
const TAB = 'gRPC metadata has no tab'
const CONTROLS = 'gRPC metadata has no control characters'
const NOT_ASCII = 'gRPC metadata has ASCII only'
const GRPC_REFUSES: Way['refused'] = {
  'RFC 9110 5.5 white space around the value is no part of it': TAB,
  '3.2.2 other white space around it is invalid': CONTROLS,
  '3.2.2 digits of other scripts are invalid': NOT_ASCII,
  '3.3.1.2 white space around members is no part of them': TAB,
  '3.3.1.3.2 a tab in a value makes the whole list invalid': TAB,
  '3.3.1.3.2 a control character in a value makes the whole list invalid': CONTROLS,
  '3.3.1.3.2 DEL in a value makes the whole list invalid': CONTROLS,
  '3.3.1.3.2 a character beyond ASCII in a value makes the whole list invalid': NOT_ASCII,
  '3.3.1.1 white space around members, keys, values is no part of them': TAB,
  '3.3.1.4 white space in properties is written as spaces': TAB,
  'a key beyond ASCII is left out, the others stay': NOT_ASCII,
  'a value beyond ASCII is left out, the others stay': NOT_ASCII,
  'a control character is left out, the others stay': CONTROLS,
  'a property beyond ASCII is left out, the others stay': NOT_ASCII,
  '3.3.1.4 white space around properties is no part of them': TAB,
}

const WAYS: readonly Way[] = [
  {
    name: 'Express and axios',
    refused: {
      '3.2.2 other white space around it is invalid': CONTROL,
      '3.3.1.3.2 a control character in a value makes the whole list invalid': CONTROL,
      '3.3.1.3.2 DEL in a value makes the whole list invalid': CONTROL,
      'a control character is left out, the others stay': CONTROL,
    },
    dropped: {},
    async open(recorder) {
      const api = traceAxios(axios.create({ baseURL: recorder.origin }))
      const app = express()
      app.use(traceMiddleware())
      app.get('/:vector', async (req, res) => {
        const said = JSON.stringify(await handled(req.path, (path) => api.get(path)))
        res.setHeader('content-length', Buffer.byteLength(said)).end(said)
      })
      const server = await serve(app)
      return {
        send: async ({ headers }, path) => JSON.parse(await exchange(server.port, path, headers)) as Said,
        close: () => server.close(),
      }
    },
  },
  {
    name: 'gRPC and fetch',
    refused: GRPC_REFUSES,
    dropped: { '3.2 spaces around the value are no part of it': 'HTTP/2 has no header values with spaces around them' },
    async open(recorder) {
      const traced = traceFetch()
      const call = async (path: string): Promise<unknown> => (await traced(`${recorder.origin}${path}`)).text()
      const lanes = await Lanes.open(
        {
          Unary({ request }, callback) {
            handled(request.text, call).then(
              (said) => callback(null, { text: JSON.stringify(said) }),
              (error: Error) => callback(error),
            )
          },
        },
        { server: [traceServerInterceptor()] },
      )
      return {
        send: ({ headers }, text) =>
          new Promise((resolve, reject) => {
            const metadata = new Metadata()
            for (const [name, value] of headers) metadata.add(name, value)
            lanes.client.Unary({ text }, metadata, {}, (error: ServiceError | null, reply?: Message) =>
              error === null && reply !== undefined ? resolve(JSON.parse(reply.text) as Said) : reject(error),
            )
          }),
        close: async () => lanes.close(),
      }
    },
  },
]

/* The headers of ours that came in, as they stood on the wire. */
function sentTo(recorded: ReadonlyMap<string, readonly string[]>, path: string): Record<string, string> {
  const raw = recorded.get(path) ?? []
  const found: Record<string, string> = {}
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (!['traceparent', 'tracestate', 'baggage'].includes(name.toLowerCase())) continue
    if (name in found) throw new Error(`${name} was sent twice`)
    found[name] = raw[i + 1] as string
  }
  return found
}

const TRACEPARENT = /^00-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>0[0-3])$/

for (const { name, refused, dropped, open } of WAYS) {
  describe(`every vector through ${name}`, () => {
    const recorded = new Map<string, readonly string[]>()
    let recorder: TestServer
    let way: Opened

    before(async () => {
      recorder = await serve((req, res) => {
        recorded.set(req.url as string, req.rawHeaders)
        res.end()
      })
      way = await open(recorder)
    })

    after(async () => {
      await way.close()
      await recorder.close()
    })

    cases.forEach((one, i) => {
      const why = refused[one.rule]
      const path = `/${i}`
      if (why !== undefined) {
        it(`does not arrive, because ${why}: ${one.rule}`, async () => {
          const result = await way.send(one, path).then(JSON.stringify, (error: Error) => error.message)
          expect(result).to.match(/^HTTP\/1\.1 400 Bad Request$|contains illegal characters/)
          expect(recorded.has(path)).to.equal(false)
        })
        return
      }

      const lost = dropped[one.rule]
      if (lost !== undefined) {
        it(`arrives without its headers, because ${lost}: ${one.rule}`, async () => {
          const { context, baggage } = await way.send(one, path)
          expect(context.traceId).to.not.equal(one.caller?.traceId)
          expect([context.traceState, baggage]).to.deep.equal(['', []])
        })
        return
      }

      it(`is read and sent on: ${one.rule}`, async () => {
        const { context, baggage } = await way.send(one, path)
        const { caller } = one
        const expected = { flags: flagsOf(one), traceState: one.traceState }
        expect(context).to.include(caller === undefined ? expected : { ...expected, traceId: caller.traceId })
        expect(context.parentSpanId).to.equal(caller?.parentId)
        expect(baggage).to.deep.equal(one.baggage)
        if (caller === undefined) expect(one.headers.map(([, value]) => value).join()).to.not.include(context.traceId)

        const { traceparent = '', tracestate = '', ...rest } = sentTo(recorded, path)
        const { groups: { traceId, spanId, flags } = {} } = TRACEPARENT.exec(traceparent) ?? {}
        // The call has a parent id of its own: that of the client's span
        expect([traceId, flags]).to.deep.equal([context.traceId, `0${flagsOf(one)}`])
        expect([undefined, '0'.repeat(16), context.spanId, context.parentSpanId]).to.not.include(spanId)
        const clock = tracestate.slice(0, 'tl='.length + 16)
        expect(clock).to.match(/^tl=[0-9a-f]{16}$/)
        expect(tracestate).to.equal(one.sentState === '' ? clock : `${clock},${one.sentState}`)
        expect(rest).to.deep.equal(one.sentBaggage === undefined ? {} : { baggage: one.sentBaggage })
      })
    })

    const among = (table: Way['refused']): W3cCase[] => cases.filter(({ rule }) => table[rule] !== undefined)
    const [missing, bare] = [among(refused), among(dropped)]
    it(`arrives, but for ${missing.length} and the headers of ${bare.length} of ${cases.length}, which the transport cannot carry`, () => {
      expect(recorded.size).to.equal(cases.length - missing.length)
      const told = new Set([...missing, ...bare].map(({ rule }) => rule))
      expect(told).to.deep.equal(new Set([...Object.keys(refused), ...Object.keys(dropped)]))
    })
  })
}
