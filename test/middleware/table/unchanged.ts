import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type { AppSpec, Ask, Framework, Handler } from '../../support/frameworks'
import { rawConnect } from '../../support/raw-http'
import { harnessOf } from './harness'

/** Node 20 loses repeated headers of a list once another header is set; there we have a `writeHead` that does not. */
const OWN_METHODS = process.versions.node.startsWith('20.') ? ['writeHead'] : []

/** What an application does, seen from both sides: bytes on the wire, and what the application notices. */
interface Behaviour {
  readonly ask: string
  readonly spec: (notes: string[]) => AppSpec
}

const get = (path = '/', ...lines: string[]): string => [`GET ${path} HTTP/1.1`, 'host: x', ...lines, '', ''].join('\r\n')
const answering =
  (handler: Handler, path = '/') =>
  (): AppSpec => ({ get: { [path]: handler } })
const raw = (handler: (res: ServerResponse) => unknown): (() => AppSpec) => answering(({ res }) => void handler(res))
const errorOf = (notes: string[], fn: () => unknown): void => {
  try {
    fn()
  } catch (error) {
    notes.push((error as NodeJS.ErrnoException).code ?? String(error))
  }
}

const POST = ['POST / HTTP/1.1', 'host: x', 'content-type: application/json'].join('\r\n')

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  'an answer of the framework': { ask: get(), spec: answering(() => ({ text: 'hällo' })) },
  'a HEAD request': { ask: get().replace('GET', 'HEAD'), spec: answering(() => ({ a: 1 })) },
  'an OPTIONS request': { ask: get().replace('GET', 'OPTIONS'), spec: answering(() => ({ a: 1 })) },
  'a 404': { ask: get('/nowhere'), spec: answering(() => ({ a: 1 })) },
  'a path that cannot be decoded': { ask: get('/%ff'), spec: answering(() => ({ a: 1 }), '/:id') },
  'a handler that throws': {
    ask: get(),
    spec: () => ({
      get: {
        '/': () => {
          throw new Error('mine')
        },
      },
      onError: (error) => `sorry: ${error.message}`,
    }),
  },
  'a body that is parsed': {
    ask: `${POST}\r\ncontent-length: 7\r\n\r\n{"a":1}`,
    spec: () => ({ parse: true, post: { '/': ({ body }) => ({ got: body }) } }),
  },
  'a body that cannot be parsed': {
    ask: `${POST}\r\ncontent-length: 7\r\n\r\n{"a":1,`,
    spec: () => ({ parse: true, post: { '/': ({ body }) => ({ got: body }) }, onError: () => 'bad body' }),
  },
  'a client that waits for 100 Continue': {
    ask: `${POST}\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}`,
    spec: () => ({ parse: true, post: { '/': ({ body }) => ({ got: body }) } }),
  },
  'a stream with trailers': {
    ask: get(),
    spec: raw(async (res) => {
      res.writeHead(200, { trailer: 'x-sum' })
      res.write('one')
      await turn()
      res.write('two')
      res.addTrailers({ 'x-sum': '6' })
      res.end()
    }),
  },
  'writeHead with headers': { ask: get(), spec: raw((res) => res.writeHead(201, { b: '1', a: ['2', '3'] }).end('x')) },
  'writeHead with a flat list': { ask: get(), spec: raw((res) => res.writeHead(201, ['b', '1', 'a', '2']).end('x')) },
  'writeHead with a name twice': {
    ask: get(),
    spec: raw((res) => res.writeHead(200, ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'content-length', '1']).end('x')),
  },
  'writeHead with a name twice, and another header set before': {
    ask: get(),
    spec: raw((res) => {
      res.setHeader('x', 'y')
      res.writeHead(200, ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'content-length', '1']).end('x')
    }),
  },
  'writeHead with wrong lists': {
    ask: get(),
    spec: (notes) => ({
      get: {
        '/': ({ res }) => {
          errorOf(notes, () => res.writeHead(200, ['a']))
          errorOf(notes, () => res.writeHead(200, ['a b', 'c']))
          res.end('x')
        },
      },
    }),
  },
  'writeHead with a reason': { ask: get(), spec: raw((res) => res.writeHead(200, 'Fine', { a: '1' }).end('x')) },
  'headers before writeHead': {
    ask: get(),
    spec: raw((res) => {
      res.setHeader('Set-Cookie', ['a=1', 'b=2'])
      res.setHeader('X-Case', 'kept')
      res.appendHeader('x-more', '1')
      res.appendHeader('x-more', '2')
      res.writeHead(200, { 'x-case': 'replaced' })
      res.end('x')
    }),
  },
  'an answer without a body': { ask: get(), spec: raw((res) => res.writeHead(204).end()) },
  'a connection that is to close': { ask: get('/', 'connection: close'), spec: raw((res) => res.end('x')) },
  'HTTP/1.0': { ask: get().replace('1.1', '1.0'), spec: raw((res) => res.end('x')) },
  'early hints and 102': {
    ask: get(),
    spec: raw((res) => {
      res.writeProcessing()
      res.writeEarlyHints({ link: '</a.css>; rel=preload' })
      res.end('x')
    }),
  },
  'mistakes with headers': {
    ask: get(),
    spec: (notes) => ({
      get: {
        '/': ({ res }) => {
          errorOf(notes, () => res.setHeader('a b', 'x'))
          errorOf(notes, () => res.setHeader('a', 'x\ny'))
          errorOf(notes, () => res.writeHead(99))
          errorOf(notes, () => res.writeHead(200, { a: 'x\ny' }))
          if (!res.headersSent) res.writeHead(200)
          errorOf(notes, () => res.setHeader('late', 'x'))
          errorOf(notes, () => res.writeHead(200))
          res.end('x')
        },
      },
    }),
  },
  'writes after the end': {
    ask: get(),
    spec: (notes) => ({
      get: {
        '/': ({ res }) => {
          res.on('error', (error: NodeJS.ErrnoException) => notes.push(`error ${error.code}`))
          res.end('x', () => notes.push('ended'))
          res.write('y', (error) => notes.push(`write ${(error as NodeJS.ErrnoException)?.code}`))
          res.end('z', () => notes.push('ended again'))
        },
      },
    }),
  },
  'what a response says of itself': {
    ask: get(),
    spec: (notes) => ({
      get: {
        '/': ({ req, res }) => {
          notes.push(...keysOf(req), '|', ...keysOf(res))
          notes.push(String(res.headersSent), String(res.hasHeader('x')), String(res.writableEnded), String(res.end('x') === res))
        },
      },
    }),
  },
}

/* All but the `emit` that runs in the request's scope (decision 4). */
function keysOf(emitter: object): string[] {
  return Object.keys(emitter)
    .filter((key) => key !== 'emit')
    .sort()
}

/** Everything but the date, our header, and the stack that Express shows for an error of its own, with its length. */
function withoutOurs(text: string): string {
  const bare = text.replace(/^(date|x-trace-id): .*\r\n/gim, '')
  return bare.includes('<br> &nbsp; &nbsp;at ')
    ? bare.replace(/<br> &nbsp; &nbsp;at [^\n]*<\/pre>/g, '</pre>').replace(/^content-length: \d+\r\n/gim, '')
    : bare
}

async function observe(harness: ReturnType<typeof harnessOf>, { ask, spec }: Behaviour, traced: boolean): Promise<object> {
  const notes: string[] = []
  const { port } = await harness.start({ ...spec(notes), traced })
  const client = await rawConnect(port)
  client.socket.write(ask)
  await client.until('HTTP/1.1 ')
  // The server answers this one when it is through with the other, so nothing is missed
  client.socket.write(get('/last', 'connection: close'))
  if (!client.socket.readableEnded) await once(client.socket, 'close')
  return { text: withoutOurs(client.text()), notes }
}

type Counts = Readonly<Record<string, number>>

function listenersOf({ req, res }: Ask): Counts {
  const counts = (emitter: IncomingMessage | ServerResponse, who: string): [string, number][] =>
    emitter.eventNames().map((event) => [`${who} ${String(event)}`, emitter.listenerCount(event)])
  return Object.fromEntries([...counts(req, 'req'), ...counts(res, 'res'), ...counts(req.socket as never, 'socket')])
}

/** The behaviour of the framework with our middleware first, compared with its behaviour without. */
export function describeUnchanged(framework: Framework): void {
  describe(`${framework.name} behind our middleware`, () => {
    const harness = harnessOf(framework)

    for (const [what, behaviour] of Object.entries(BEHAVIOURS)) {
      it(`does with ${what} what it does without us, but for one header`, async () => {
        const [without, within] = [await observe(harness, behaviour, false), await observe(harness, behaviour, true)]
        expect(within).to.deep.equal(without)
        expect((without as { text: string }).text).to.match(/^HTTP\/1\.1 \d\d\d/)
      })
    }

    it('has no listener of ours, and the methods of Node', async () => {
      const seen: { before: Counts; after: Counts; own: string[] }[] = []
      for (const traced of [false, true]) {
        const { port } = await harness.start({
          traced,
          get: {
            '/': (ask) => {
              const own = ['writeHead', 'write', 'end', 'setHeader', 'on'].filter((method) => Object.hasOwn(ask.res, method))
              const before = listenersOf(ask)
              ask.res.once('close', () => setImmediate(() => seen.push({ before, after: listenersOf(ask), own })))
              ask.res.end('x')
            },
          },
        })
        const client = await rawConnect(port)
        client.socket.write(get('/', 'connection: close'))
        await once(client.socket, 'close')
        while (seen.length < (traced ? 2 : 1)) await turn()
      }
      const [without, within] = seen
      const more = Object.entries(within?.before ?? {})
        .map(([event, count]) => [event, count - (without?.before[event] ?? 0)] as const)
        .filter(([, count]) => count !== 0)
      expect(Object.fromEntries(more)).to.deep.equal({})
      expect(within?.after).to.deep.equal(without?.after)
      expect([without?.own, within?.own]).to.deep.equal([[], OWN_METHODS])
    })
  })
}
