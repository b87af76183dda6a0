import { writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { type HttpSinkOptions, httpSink, runWithTrace } from 'tracelane'
import { type AsyncSink, type BatchResult, isAsyncSink, openAsyncSink, openSink, type SinkBatch } from '../../../lib/sinks'
import { freePort, runNode, sinkBatch, tempFolder } from '../../support'
import { serve, type TestServer } from '../../support/http-server'
import { type RawServer, serveRaw } from './raw-server'

interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const LINES = '{"msg":"one"}\n{"msg":"two ä"}\n'

function batch(text = LINES, id = 'abc-1'): SinkBatch {
  return sinkBatch(text, id)
}

async function receive(req: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
  return { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body: body.toString() }
}

describe('openAsyncSink() of an httpSink', () => {
  const open: { close(): Promise<void> }[] = []

  function sinkTo(origin: string, options: Omit<HttpSinkOptions, 'url'> = {}): AsyncSink {
    const sink = openAsyncSink(httpSink({ url: `${origin}/in?k=1`, ...options }))
    open.push(sink)
    return sink
  }

  async function server(handler: RequestListener): Promise<TestServer> {
    const started = await serve(handler)
    open.push(started)
    return started
  }

  async function raw(...args: Parameters<typeof serveRaw>): Promise<RawServer> {
    const started = await serveRaw(...args)
    open.push(started)
    return started
  }

  /* A server that answers each request with the next of `answers`, the last one for ever. */
  async function answering(
    ...answers: ((res: ServerResponse) => void)[]
  ): Promise<TestServer & { readonly received: Received[] }> {
    const received: Received[] = []
    const started = await server(async (req, res) => {
      received.push(await receive(req))
      answers[Math.min(received.length, answers.length) - 1]?.(res)
    })
    return { ...started, received }
  }

  const status =
    (code: number, headers: Record<string, string> = {}, body = '') =>
    (res: ServerResponse): void => {
      res.writeHead(code, headers).end(body)
    }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
  })

  describe('what it sends', () => {
    it('is one request a batch, with the lines as they are, their number and the name of the batch', async () => {
      const { origin, received } = await answering(status(204))
      expect(await sinkTo(origin).send(batch())).to.deep.equal({ outcome: 'delivered' })
      expect(received).to.have.length(1)
      const [{ method, url, headers, body } = {} as Received] = received
      expect({ method, url, body }).to.deep.equal({ method: 'POST', url: '/in?k=1', body: LINES })
      expect(headers).to.deep.equal({
        host: new URL(origin).host,
        connection: 'keep-alive',
        'user-agent': 'tracelane',
        'content-type': 'application/x-ndjson',
        'content-length': String(Buffer.byteLength(LINES)),
        'tracelane-batch': 'abc-1',
        'tracelane-v': '1',
        'tracelane-events': '2',
      })
    })

    it('is compressed from 1 KiB on, unless that is switched off', async () => {
      const { origin, received } = await answering(status(200))
      const long = LINES.repeat(1000)
      await sinkTo(origin).send(batch(long))
      await sinkTo(origin, { gzip: false }).send(batch(long))
      expect(received.map(({ headers }) => headers['content-encoding'])).to.deep.equal(['gzip', undefined])
      expect(received.map(({ body }) => body)).to.deep.equal([long, long])
      expect(Number(received[0]?.headers['content-length'])).to.be.lessThan(long.length / 10)
    })

    it('is what the batch held at the call, whatever becomes of that memory', async () => {
      const { origin, received } = await answering(status(200))
      for (const gzip of [true, false]) {
        const given = batch(LINES.repeat(1000))
        const sent = sinkTo(origin, { gzip }).send(given)
        given.lines.fill(0x20)
        await sent
      }
      expect(received.map(({ body }) => body)).to.deep.equal([LINES.repeat(1000), LINES.repeat(1000)])
    })

    it('has the headers, the method and the content type that are asked for, and the user of the url', async () => {
      const { origin, received } = await answering(status(200))
      const options = { headers: { 'X-Team': 'a', 'User-Agent': 'me' }, method: 'PUT', contentType: 'text/plain' } as const
      await sinkTo(origin.replace('//', '//ann:p%40ss@'), options).send(batch())
      expect(received[0]?.method).to.equal('PUT')
      expect(received[0]?.headers).to.include({
        'x-team': 'a',
        'user-agent': 'me',
        'content-type': 'text/plain',
        authorization: `Basic ${Buffer.from('ann:p@ss').toString('base64')}`,
      })
    })

    it('has around each line what is asked for, without its line break', async () => {
      const { origin, received } = await answering(status(200))
      await sinkTo(origin, { body: {} }).send(batch())
      await sinkTo(origin, { body: { start: '{"event":', separator: '}\n{"event":', end: '}' } }).send(batch())
      expect(JSON.parse(received[0]?.body ?? '')).to.deep.equal([{ msg: 'one' }, { msg: 'two ä' }])
      expect(received[0]?.headers['content-type']).to.equal('application/json')
      expect(received[1]?.body).to.equal('{"event":{"msg":"one"}}\n{"event":{"msg":"two ä"}}')
    })

    it('has no header of any trace, whoever sends', async () => {
      const { origin, received } = await answering(status(200))
      const sink = sinkTo(origin)
      await runWithTrace(undefined, () => sink.send(batch()))
      const names = Object.keys(received[0]?.headers ?? {})
      expect(names.filter((name) => /trace|baggage|b3|clock/.test(name))).to.deep.equal([
        'tracelane-v',
        'tracelane-batch',
        'tracelane-events',
      ])
    })

    it('goes over one connection, batch after batch', async () => {
      const { origin, server: http, received } = await answering(status(200, {}, 'thanks'))
      let connections = 0
      http.on('connection', () => connections++)
      const sink = sinkTo(origin)
      for (let i = 0; i < 20; i++) expect(await sink.send(batch(LINES, `abc-${i}`))).to.include({ outcome: 'delivered' })
      expect([received.length, connections]).to.deep.equal([20, 1])
    })

    it('can be several batches at once', async () => {
      const { origin, received } = await answering(status(200))
      const sink = sinkTo(origin)
      const results = await Promise.all(Array.from({ length: 8 }, (_, i) => sink.send(batch(LINES, `abc-${i}`))))
      expect(results.every(({ outcome }) => outcome === 'delivered')).to.equal(true)
      expect(new Set(received.map(({ headers }) => headers['tracelane-batch'])).size).to.equal(8)
    })
  })

  describe('what it makes of an answer', () => {
    for (const code of [200, 201, 202, 204]) {
      it(`takes ${code} as a receipt`, async () => {
        const { origin } = await answering(status(code))
        expect(await sinkTo(origin).send(batch())).to.deep.equal({ outcome: 'delivered' })
      })
    }

    for (const code of [408, 425, 429, 500, 502, 503, 504, 599]) {
      it(`may try again after ${code}`, async () => {
        const { origin } = await answering(status(code))
        const result = await sinkTo(origin).send(batch())
        expect(result).to.include({ outcome: 'retryable' }).and.not.to.have.property('retryAfterMs')
        expect((result as { reason: string }).reason).to.match(new RegExp(`^POST ${origin} answered ${code}`))
      })
    }

    for (const code of [401, 403, 404, 407]) {
      it(`may try again after ${code}, which somebody may mend, though not at once`, async () => {
        const { origin } = await answering(status(code), status(code, { 'retry-after': '1' }))
        const sink = sinkTo(origin)
        for (let i = 0; i < 2; i++) {
          const result = await sink.send(batch())
          expect(result).to.include({ outcome: 'retryable', retryAfterMs: 5_000 })
          expect((result as { reason: string }).reason).to.match(new RegExp(`^POST ${origin} answered ${code}`))
        }
      })
    }

    for (const code of [400, 405, 409, 410, 413, 415, 422]) {
      it(`gives up after ${code}, and says what the server said`, async () => {
        const { origin } = await answering(status(code, {}, 'line 3\n\u001b[31mhas no\u202e msg'))
        const result = await sinkTo(origin).send(batch())
        const { outcome, reason, divisible } = result as Extract<BatchResult, { outcome: 'rejected' }>
        expect(outcome).to.equal('rejected')
        // What is wrong with the method is wrong for each part, too.
        expect(divisible ?? false).to.equal([400, 413, 422].includes(code))
        expect(reason).to.match(new RegExp(`^POST ${origin} answered ${code} [\\w ]+: line 3 \\[31mhas no msg$`))
      })
    }

    it('shows at most 200 characters of the body', async () => {
      const { origin } = await answering(status(400, {}, '\u{1f600}'.repeat(300)))
      const { reason } = (await sinkTo(origin).send(batch())) as { reason: string }
      expect(reason.endsWith(`: ${'\u{1f600}'.repeat(200)}`)).to.equal(true)
    })

    it('shows no value of a header and no password that the server repeats', async () => {
      const { origin } = await answering(
        status(
          401,
          {},
          `no such token t0ken in Bearer t0ken, and ann:p@ssw0rd, ${Buffer.from('ann:p@ssw0rd').toString('base64')}`,
        ),
      )
      const bearer = await sinkTo(origin, { headers: { authorization: 'Bearer t0ken' } }).send(batch())
      const basic = await sinkTo(origin.replace('//', '//ann:p%40ssw0rd@')).send(batch())
      expect((bearer as { reason: string }).reason)
        .to.include('401')
        .and.not.to.include('t0ken')
      expect((basic as { reason: string }).reason)
        .to.include('401')
        .and.not.match(/p@ssw0rd|p%40|YW5u/)
    })

    it('hands on how long the server asks to wait, in seconds or as a date', async () => {
      const { origin } = await answering(
        status(503, { 'retry-after': '7' }),
        status(429, { 'retry-after': 'Fri, 06 Nov 2026 08:00:30 GMT', date: 'Fri, 06 Nov 2026 08:00:00 GMT' }),
        status(503, { 'retry-after': 'soon' }),
        status(200),
      )
      const sink = sinkTo(origin)
      expect(await sink.send(batch())).to.include({ outcome: 'retryable', retryAfterMs: 7_000 })
      expect(await sink.send(batch())).to.include({ outcome: 'retryable', retryAfterMs: 30_000 })
      expect(await sink.send(batch())).not.to.have.property('retryAfterMs')
      expect(await sink.send(batch())).to.deep.equal({ outcome: 'delivered' })
    })

    it('does not follow a redirect, and says so with the host that it leads to', async () => {
      const { origin, received } = await answering(status(307, { location: 'https://ann:s3cret@other.example/t0ken' }))
      const result = (await sinkTo(origin).send(batch())) as { outcome: string; reason: string }
      expect(received).to.have.length(1)
      expect(result.outcome).to.equal('retryable')
      expect(result.reason).to.match(/answered 307 Temporary Redirect to https:\/\/other\.example: redirects are not followed/)
    })

    it('takes the head of an answer as the receipt though the body breaks off, goes on for ever or never ends', async () => {
      const broken = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
      const endless = await server((_, res) => {
        const more = (error?: Error | null): unknown => error ?? res.write('x'.repeat(10_000), more)
        more()
      })
      const hanging = await server((_, res) => void res.write('half'))
      const hurried = { timeoutMs: 2_000 }
      expect(await sinkTo(broken.origin).send(batch())).to.deep.equal({ outcome: 'delivered' })
      expect(await sinkTo(endless.origin, { timeoutMs: 600_000 }).send(batch())).to.deep.equal({ outcome: 'delivered' })
      expect(await sinkTo(hanging.origin, hurried).send(batch())).to.deep.equal({ outcome: 'delivered' })
    })
  })

  describe('what may go wrong on the way', () => {
    async function failing(origin: string, options?: Omit<HttpSinkOptions, 'url'>): Promise<string> {
      const result = await sinkTo(origin, options).send(batch())
      expect(result).to.include({ outcome: 'retryable' })
      return (result as { reason: string }).reason.replace(`POST ${origin} failed: `, '')
    }

    it('nobody listens', async () => {
      const port = await freePort()
      expect(await failing(`http://127.0.0.1:${port}`)).to.equal(`connect ECONNREFUSED 127.0.0.1:${port}`)
    })

    it('a name has no address', async () => {
      expect(await failing('http://nobody.invalid')).to.match(/nobody\.invalid/)
    })

    it('the server never answers', async () => {
      const { origin } = await server(() => {})
      expect(await failing(origin, { timeoutMs: 30 })).to.equal('no answer within 30 ms')
    })

    it('the head of the answer never ends', async () => {
      const { origin } = await raw((socket) => void socket.write('HTTP/1.1 200 OK\r\nx: '))
      expect(await failing(origin, { timeoutMs: 30 })).to.equal('no answer within 30 ms')
    })

    it('the server takes connections but no TLS', async () => {
      const { origin } = await raw(() => {})
      const https = origin.replace('http:', 'https:')
      expect(await failing(https, { connectTimeoutMs: 30 })).to.equal('no connection within 30 ms')
    })

    it('the connection is closed, or reset, before an answer', async () => {
      const closing = await raw((socket) => void socket.end())
      const resetting = await raw((socket) => void socket.resetAndDestroy())
      const half = await raw((socket) => void socket.end('HTTP/1.1 200 OK\r\n'))
      expect(await failing(closing.origin)).to.equal('socket hang up')
      expect(await failing(resetting.origin)).to.match(/ECONNRESET|socket hang up/)
      expect(await failing(half.origin)).to.match(/hang up|Parse Error|closed/)
    })

    it('the answer is no HTTP', async () => {
      const { origin } = await raw((socket) => void socket.end('220 mail.example ESMTP\r\n'))
      expect(await failing(origin)).to.match(/^Parse Error/)
    })

    it('the answer wants to speak another protocol', async () => {
      const { origin } = await raw(
        (socket) => void socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
      )
      expect(await failing(origin, { timeoutMs: 2_000 })).to.be.a('string')
    })

    it('the server has closed a connection that was kept: the batch goes over a new one', async () => {
      const { origin, connections } = await raw((socket, before) =>
        before === 0 ? socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n') : socket.resetAndDestroy(),
      )
      const sink = sinkTo(origin)
      for (let i = 0; i < 3; i++) expect(await sink.send(batch())).to.deep.equal({ outcome: 'delivered' })
      expect(connections()).to.equal(3)
    })
  })

  describe('close()', () => {
    it('gives up what is on its way, and what comes later', async () => {
      const { origin } = await server(() => {})
      const sink = sinkTo(origin)
      const sent = sink.send(batch())
      await new Promise((resolve) => setImmediate(resolve))
      await sink.close()
      await sink.close()
      expect(await sent).to.include({ outcome: 'retryable' })
      expect(await sink.send(batch())).to.include({ outcome: 'retryable', reason: `POST ${origin} failed: the sink was closed` })
    })
  })

  describe('the end of a process', () => {
    /* Something else keeps it alive until `file` is there; from then on only the sink could. */
    const program = (url: string, file: string): string => `
      const { existsSync, writeFileSync } = require('node:fs')
      const { httpSink } = require('tracelane')
      const { openAsyncSink } = require('./dist/lib/sinks')
      const sink = openAsyncSink(httpSink({ url: '${url}', timeoutMs: 600_000, connectTimeoutMs: 600_000 }))
      sink.send({ lines: Buffer.from('{}\\n'), events: 1, id: 'a-1' }).then(({ outcome }) => {
        console.log(outcome)
        writeFileSync('${file}', '')
      })
      const alive = setInterval(() => existsSync('${file}') && clearInterval(alive), 5)
    `

    it('is not held up by a server that does not answer', async () => {
      const file = join(tempFolder(), 'asked')
      const { origin } = await server(() => writeFileSync(file, ''))
      const { code, stdout } = await runNode(['-e', program(origin, file)], { deadlineMs: 30_000 })
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '' })
    })

    it('is not held up by a connection that is kept', async () => {
      const { origin } = await answering(status(200))
      const { code, stdout } = await runNode(['-e', program(origin, join(tempFolder(), 'done'))], { deadlineMs: 30_000 })
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'delivered\n' })
    })
  })

  it('is told apart from a sink that blocks, which refuses to be one', () => {
    const spec = httpSink({ url: 'http://logs.example' })
    expect(isAsyncSink(spec)).to.equal(true)
    const sink = openSink(spec)
    expect(sink.write(Buffer.from('x\n'), () => false)).to.include({ outcome: 'rejected', written: 0 })
    sink.close()
  })
})
