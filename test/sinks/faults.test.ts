import { once } from 'node:events'
import fs, { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import {
  close,
  configure,
  elasticsearchSink,
  flush,
  getLogger,
  httpSink,
  kafkaSink,
  ledger,
  otlpSink,
  rocketmqSink,
  type SinkLedger,
  type SinkSpec,
} from 'tracelane'
import { processWide } from '../../lib/internal/runtime'
import { projectFile } from '../support'
import { listening, serve } from '../support/http-server'
import { serveRaw } from './http/raw-server'

const EVENTS = 20
const DEADLINE_MS = 15_000
/* After so long a sentence is said once more. */
const REPEAT_AFTER_MS = 10_000
/* An address of this machine at which nobody else takes a port meanwhile. */
const LONELY = '127.9.8.6'
const OK = '{"errors":false}'
const pem = (name: string): string => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`), 'utf8')

/** A destination in trouble. */
interface Trouble {
  readonly url: string
  /** What is said of it. */
  readonly reason: RegExp
  readonly options?: { readonly timeoutMs?: number; readonly tls?: { readonly ca: string } }
  /** Whether it goes away when the batch is divided, without another try. */
  readonly isDivided?: boolean
  mend(): unknown
  close(): Promise<void>
}

const SINKS: Readonly<Record<string, (url: string, options: object) => SinkSpec>> = {
  http: (url, options) => httpSink({ url, gzip: false, ...options }),
  otlp: (url, options) => otlpSink({ url, gzip: false, ...options }),
  elasticsearch: (url, options) => elasticsearchSink({ url, gzip: false, ...options }),
}

/* A server that answers as `answer` says until it is mended. */
async function troubled(
  answer: (res: Parameters<RequestListener>[1], size: number) => void,
  trouble: Pick<Trouble, 'reason' | 'options' | 'isDivided'>,
): Promise<Trouble> {
  let isWell = false
  const server = await serve(async (req, res) => {
    let size = 0
    for await (const chunk of req) size += (chunk as Buffer).length
    if (isWell) res.writeHead(200, { 'content-type': 'application/json' }).end(OK)
    else answer(res, size)
  })
  return {
    ...trouble,
    url: server.origin.replace('//', '//ann:s3cret@'),
    mend: () => {
      isWell = true
    },
    close: () => server.close(),
  }
}

const answered = (status: number, headers: Record<string, string> = {}): (() => Promise<Trouble>) => {
  return () =>
    troubled((res) => void res.writeHead(status, headers).end('ann:s3cret'), { reason: new RegExp(`answered ${status}`) })
}

async function wrongAddress(): Promise<Trouble> {
  const { server, close: stop } = await serve((req, res) => void req.resume().on('end', () => res.end(OK)))
  const stops = (): Promise<unknown> => new Promise((resolve) => server.close(resolve))
  const listens = (port: number): Promise<unknown> => once(server.listen(port, LONELY), 'listening')
  await stops()
  await listens(0)
  const { port } = server.address() as AddressInfo
  await stops()
  return { url: `http://${LONELY}:${port}`, reason: /connect ECONNREFUSED/, mend: () => listens(port), close: stop }
}

async function wrongCertificate(): Promise<Trouble> {
  const server = createTlsServer({ cert: pem('other-cert'), key: pem('other-key') }, (req, res) => {
    req.resume().on('end', () => res.end(OK))
  })
  const { port, close: stop } = await listening(server as never)
  return {
    url: `https://127.0.0.1:${port}`,
    reason: /certificate/,
    options: { tls: { ca: pem('cert') } },
    mend: () => server.setSecureContext({ cert: pem('cert'), key: pem('key') }),
    close: stop,
  }
}

async function halfClosed(): Promise<Trouble> {
  let isWell = false
  const raw = await serveRaw((socket) => {
    if (isWell) socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${OK.length}\r\n\r\n${OK}`)
    else socket.end()
  })
  return {
    url: raw.origin,
    reason: /socket hang up/,
    mend: () => {
      isWell = true
    },
    close: () => raw.close(),
  }
}

const TROUBLES: Readonly<Record<string, () => Promise<Trouble>>> = {
  'a wrong address': wrongAddress,
  'a wrong password': answered(401),
  'a user without the right': answered(403),
  'a path, a topic or an index that is not there': answered(404),
  'a proxy that wants a password': answered(407),
  'a redirect': answered(302, { location: 'https://elsewhere.example/' }),
  'a certificate that is not trusted': wrongCertificate,
  'batches that are too large': () =>
    troubled((res, size) => void res.writeHead(size > 1500 ? 413 : 200).end(OK), { reason: /413/, isDivided: true }),
  'too many requests': answered(429, { 'retry-after': '0' }),
  'a server that is out of order': answered(503),
  'a socket that is half closed in the place of an answer': halfClosed,
  'a server that never answers': () =>
    troubled(() => undefined, { reason: /no answer within 150 ms/, options: { timeoutMs: 150 } }),
}

describe('each sink on the network, each trouble: said once, counted, and nothing lost once it is mended', () => {
  const open: { close(): Promise<void> }[] = []
  const write = fs.writeSync
  let said: string[]
  let since: number

  beforeEach(() => {
    said = []
    since = performance.now()
    processWide('complaints.1', () => new Map<string, unknown>()).clear()
    fs.writeSync = ((fd: number, ...rest: unknown[]): number => {
      if (fd !== 2) return (write as (...all: unknown[]) => number)(fd, ...rest)
      said.push(String(rest[0]))
      return String(rest[0]).length
    }) as typeof fs.writeSync
  })

  afterEach(async () => {
    await close()
    fs.writeSync = write
    for (const one of open.splice(0)) await one.close()
  })

  const account = (): SinkLedger => ledger()[0]?.sinks[0] as SinkLedger

  function log(sink: SinkSpec): void {
    void configure({ sinks: [sink], maxFlushTimeMs: 100 })
    for (let i = 0; i < EVENTS; i++) getLogger('x').info(`${i} ${'x'.repeat(100)}`)
  }

  /* A flush ends the pause before the next try. */
  async function tries(count: number): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (account().retried < count && performance.now() < deadline) await flush({ deadlineMs: 20 })
    expect(account().retried).to.be.at.least(count)
  }

  function expectSaidOnce(reason: RegExp): void {
    const lines = said.filter((line) => line.includes('a sink cannot write'))
    expect(lines, said.join('\n')).to.have.length.within(1, 1 + Math.floor((performance.now() - since) / REPEAT_AFTER_MS))
    expect(lines[0]).to.match(reason)
    expect(said.join()).not.to.match(/s3cret|YW5u/)
  }

  for (const [kind, sinkTo] of Object.entries(SINKS)) {
    for (const [what, begin] of Object.entries(TROUBLES)) {
      it(`${kind}: ${what}`, async () => {
        const trouble = await begin()
        open.push(trouble)
        log(sinkTo(trouble.url, trouble.options ?? {}))
        if (trouble.isDivided !== true) {
          await tries(3)
          expect(account()).to.include({ delivered: 0, rejected: 0, quarantined: 0, inFlight: EVENTS })
          expectSaidOnce(trouble.reason)
          await trouble.mend()
        }
        await flush({ deadlineMs: DEADLINE_MS })
        expect(account()).to.include({ delivered: EVENTS, rejected: 0, quarantined: 0, inFlight: 0 })
      })
    }

    it(`${kind}: what is wrong with the lines themselves is counted, and said once`, async () => {
      const trouble = await troubled((res) => void res.writeHead(400).end('no'), { reason: /answered 400/ })
      open.push(trouble)
      log(sinkTo(trouble.url, {}))
      await flush({ deadlineMs: DEADLINE_MS })
      const { delivered, rejected, quarantined, inFlight, retried } = account()
      expect({ delivered, inFlight, retried, lost: rejected + quarantined }).to.deep.equal({
        ...{ delivered: 0, inFlight: 0, retried: 0, lost: EVENTS },
      })
      expectSaidOnce(trouble.reason)
    })
  }

  for (const thread of [true, false]) {
    it(`two sinks in trouble at once, with thread: ${thread}: each is said`, async () => {
      const sinks = Object.values(SINKS).map((sinkTo, i) => sinkTo(`http://${LONELY}:${i + 1}`, {}))
      void configure({ thread, sinks, maxFlushTimeMs: 100 })
      getLogger('x').info('nobody hears it')
      const missing = (): string[] =>
        sinks.map((_, i) => `POST http://${LONELY}:${i + 1} failed: connect`).filter((text) => !said.join('').includes(text))
      const deadline = performance.now() + REPEAT_AFTER_MS / 2
      while (missing().length > 0 && performance.now() < deadline) await flush({ deadlineMs: 20 })
      expect(missing()).to.deep.equal([])
    })
  }

  it('elasticsearch: an index of single documents that is not there', async () => {
    const items = Array.from({ length: EVENTS }, () => ({
      create: { status: 404, error: { type: 'index_not_found_exception' } },
    }))
    const trouble = await troubled((res) => void res.end(JSON.stringify({ errors: true, items })), {
      reason: /does not take 20 of 20 documents now: 404 index_not_found_exception/,
    })
    open.push(trouble)
    log(SINKS['elasticsearch']?.(trouble.url, {}) as SinkSpec)
    await tries(3)
    expect(account()).to.include({ delivered: 0, rejected: 0, quarantined: 0, inFlight: EVENTS })
    expectSaidOnce(trouble.reason)
    trouble.mend()
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ delivered: EVENTS, rejected: 0, quarantined: 0, inFlight: 0 })
  })

  /* Brokers that are mended are real ones: test/brokers. */
  const BROKERS: Readonly<Record<string, (address: string) => SinkSpec>> = {
    kafka: (address) => kafkaSink({ brokers: [address], topic: 'logs', timeoutMs: 300 }),
    rocketmq: (address) => rocketmqSink({ endpoints: [address], topic: 'logs', timeoutMs: 300 }),
  }

  const UNREACHABLE: Readonly<Record<string, () => Promise<string>>> = {
    'a wrong address': async () => `${LONELY}:1`,
    'a server that never answers': () => mute(() => undefined),
    'a socket that is half closed in the place of an answer': () => mute((socket) => socket.end()),
  }

  async function mute(answer: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined).resume())
      answer(socket)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    open.push({
      close: async () => {
        for (const socket of sockets) socket.destroy()
        await new Promise((resolve) => server.close(resolve))
      },
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  for (const [kind, sinkTo] of Object.entries(BROKERS)) {
    for (const [what, address] of Object.entries(UNREACHABLE)) {
      it(`${kind}: ${what}`, async () => {
        log(sinkTo(await address()))
        await tries(2)
        expect(account()).to.include({ delivered: 0, rejected: 0, quarantined: 0, inFlight: EVENTS })
        expectSaidOnce(new RegExp(kind))
      })
    }
  }
})
