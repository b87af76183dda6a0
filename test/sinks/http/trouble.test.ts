import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { close, configure, flush, getLogger, type HttpSinkOptions, httpSink, ledger, type SinkLedger } from 'tracelane'
import { internalFailure } from '../../../lib/diagnostics'
import { projectFile, runNode, until } from '../../support'
import { listening, serve, type TestServer } from '../../support/http-server'
import { serveRaw } from './raw-server'

const DEADLINE_MS = 15_000
/* An address of this machine at which nobody else takes a port meanwhile. */
const LONELY = '127.9.8.7'
const pem = (name: string): string => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`), 'utf8')

async function sizeOf(req: IncomingMessage): Promise<number> {
  let size = 0
  for await (const chunk of req) size += (chunk as Buffer).length
  return size
}

/* A destination in trouble, then well: what the appender says, what it counts, and that all that can be delivered is. */
describe('an httpSink whose destination is in trouble', () => {
  const open: { close(): Promise<void> }[] = []
  let reasons: string[]
  const hear = (failure: unknown): void => void reasons.push((failure as { message: string }).message)

  beforeEach(() => {
    reasons = []
    internalFailure.subscribe(hear)
  })

  afterEach(async () => {
    internalFailure.unsubscribe(hear)
    await close()
    await Promise.all(open.splice(0).map((one) => one.close()))
  })

  const account = (): SinkLedger => ledger()[0]?.sinks[0] as SinkLedger

  function log(url: string, options: Omit<HttpSinkOptions, 'url'> = {}, events = 20): void {
    void configure({ sinks: [httpSink({ url, gzip: false, ...options })] })
    for (let i = 0; i < events; i++) getLogger('x').info(`${i} ${'x'.repeat(100)}`)
  }

  async function server(answer: (res: ServerResponse, size: number, n: number) => void): Promise<TestServer> {
    let n = 0
    const started = await serve(async (req, res) => answer(res, await sizeOf(req), n++))
    open.push(started)
    return started
  }

  /* All is delivered in the end, after at least one failure that said `reason`. */
  async function recovers(reason: RegExp, events = 20): Promise<void> {
    await flush({ deadlineMs: DEADLINE_MS })
    const { delivered, rejected, quarantined, inFlight, retried } = account()
    expect({ delivered, rejected, quarantined, inFlight }).to.deep.equal({
      ...{ delivered: events, rejected: 0, quarantined: 0, inFlight: 0 },
    })
    expect(retried).to.be.greaterThan(0)
    expect(
      reasons.find((said) => reason.test(said)),
      reasons.join('\n'),
    ).to.be.a('string')
  }

  it('a wrong address, until somebody listens there', async () => {
    const started = await server((res) => void res.end())
    const listens = (port: number): Promise<unknown> => {
      started.server.listen(port, LONELY)
      return once(started.server, 'listening')
    }
    const stops = (): Promise<unknown> => new Promise((resolve) => started.server.close(resolve))
    await stops()
    await listens(0)
    const { port } = started.server.address() as AddressInfo
    await stops()
    log(`http://${LONELY}:${port}`)
    await until('a failure', () => reasons.length > 0)
    await listens(port)
    await recovers(/^a sink cannot write: POST http:\/\/127\.9\.8\.7:\d+ failed: connect ECONNREFUSED/)
  })

  it('a wrong password, until it is right', async () => {
    let right = false
    const { origin } = await server((res) => void res.writeHead(right ? 200 : 401).end())
    log(origin.replace('//', '//ann:s3cret@'))
    await until('a failure', () => reasons.length > 0)
    right = true
    await recovers(/answered 401 Unauthorized$/)
    expect(reasons.join()).not.to.contain('s3cret')
  })

  it('a certificate that is not trusted, until another one is shown', async () => {
    const tls = await listening(
      createServer({ cert: pem('other-cert'), key: pem('other-key') }, async (req, res) => {
        await sizeOf(req)
        res.end()
      }) as never,
    )
    open.push(tls)
    log(`https://127.0.0.1:${tls.port}`, { tls: { ca: pem('cert') } })
    await until('a failure', () => reasons.length > 0)
    ;(tls.server as unknown as ReturnType<typeof createServer>).setSecureContext({ cert: pem('cert'), key: pem('key') })
    await recovers(/certificate/)
  })

  it('413: parts of the batch are small enough', async () => {
    const { origin } = await server((res, size) => void res.writeHead(size > 1000 ? 413 : 200).end())
    log(origin)
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ delivered: 20, rejected: 0, quarantined: 0, inFlight: 0 })
  })

  for (const [status, headers] of [
    [429, { 'retry-after': '0' }],
    [503, {}],
  ] as const) {
    it(`${status}, twice`, async () => {
      const { origin } = await server((res, _, n) => void res.writeHead(n < 2 ? status : 200, headers).end())
      log(origin)
      await recovers(new RegExp(`answered ${status}`))
    })
  }

  it('a socket that the server half-closes in the place of an answer', async () => {
    let n = 0
    const raw = await serveRaw((socket) =>
      n++ < 2 ? socket.end() : socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
    )
    open.push(raw)
    log(raw.origin)
    await recovers(/socket hang up/)
  })

  it('a server that never answers, and then does', async () => {
    const { origin } = await server((res, _, n) => {
      if (n > 0) res.end()
    })
    log(origin, { timeoutMs: 500 })
    await recovers(/no answer within 500 ms$/)
  })

  it('says it once on stderr, however often it tries', async () => {
    const program = `
      const { close, configure, getLogger, httpSink, ledger } = require('tracelane')
      configure({ maxFlushTimeMs: 400, sinks: [httpSink({ url: 'http://127.0.0.1:1' })] })
      for (let i = 0; i < 20; i++) getLogger('x').info('m')
      const look = setInterval(() => {
        const [{ sinks: [sink] }] = ledger()
        if (sink.retried < 4) return
        clearInterval(look)
        close().then(({ pending }) => console.log(pending))
      }, 5)
    `
    const { code, stdout, stderr } = await runNode(['-e', program], { deadlineMs: 15_000 })
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '20\n' })
    expect(stderr.match(/a sink cannot write/g)).to.have.length(1)
    expect(stderr).to.match(/20 events were not written before their appender was closed/)
  })
})
