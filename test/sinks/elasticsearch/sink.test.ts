import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { type ElasticsearchSinkOptions, elasticsearchSink } from 'tracelane'
import { type AsyncSink, openAsyncSink } from '../../../lib/sinks'
import { sinkBatch } from '../../support'
import { serve } from '../../support/http-server'

const TIME = Date.UTC(2026, 1, 3, 23, 59, 59, 999)
const INSTANCE = '00c0ffee00c0ffee'

const json = (msg: string, more: object = {}): string =>
  `${JSON.stringify({ time: TIME, level: 'info', logger: 'x', msg, ...more })}\n`
const ecs = (message: string, seq: number): string =>
  `${JSON.stringify({ '@timestamp': '2026-02-03T23:59:59.999Z', message, 'tracelane.instance': INSTANCE, 'tracelane.seq': seq })}\n`

interface Received {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Action and document in turn. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
}

describe('openAsyncSink() of an elasticsearchSink', () => {
  const open: { close(): Promise<void> }[] = []

  async function start(
    options: Omit<ElasticsearchSinkOptions, 'url'> & { readonly path?: string } = {},
    answer: (res: ServerResponse, received: Received) => void = (res) => void res.end('{"errors":false}'),
  ): Promise<{ readonly sink: AsyncSink; readonly received: Received[]; readonly origin: string }> {
    const received: Received[] = []
    const server = await serve(async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      const whole = Buffer.concat(chunks)
      const body = (req.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole).toString()
      expect(body.endsWith('\n')).to.equal(true)
      const lines = body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      received.push({ url: req.url ?? '', headers: req.headers, lines })
      answer(res, received.at(-1) as Received)
    })
    const { path = '', ...others } = options
    const sink = openAsyncSink(elasticsearchSink({ url: server.origin + path, ...others }))
    open.push(sink, server)
    return { sink, received, origin: server.origin }
  }

  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })

  it('creates a document for each line, with the name of the event as its id', async () => {
    const { sink, received } = await start()
    expect(await sink.send(sinkBatch(ecs('a', 7) + ecs('b', 8)))).to.deep.equal({ outcome: 'delivered' })
    const [{ url, headers, lines } = {} as Received] = received
    expect(url).to.equal('/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason')
    expect(headers['content-type']).to.equal('application/x-ndjson')
    expect(lines).to.deep.equal([
      { create: { _index: 'logs-tracelane-default', _id: `${INSTANCE}-7` } },
      JSON.parse(ecs('a', 7)),
      { create: { _index: 'logs-tracelane-default', _id: `${INSTANCE}-8` } },
      JSON.parse(ecs('b', 8)),
    ])
  })

  it('gives lines of the layout json a timestamp, and no id to those that do not say who they are', async () => {
    const { sink, received } = await start()
    await sink.send(sinkBatch(json('a') + json('b', { instance: INSTANCE, seq: 3 })))
    expect(received[0]?.lines).to.deep.equal([
      { create: { _index: 'logs-tracelane-default' } },
      { '@timestamp': '2026-02-03T23:59:59.999Z', ...JSON.parse(json('a')) },
      { create: { _index: 'logs-tracelane-default', _id: `${INSTANCE}-3` } },
      { '@timestamp': '2026-02-03T23:59:59.999Z', ...JSON.parse(json('b', { instance: INSTANCE, seq: 3 })) },
    ])
  })

  it('has the day of the event in the name of the index, a path, a pipeline, a user and compression', async () => {
    const { sink, received } = await start({ index: 'app-%{yyyy.MM.dd}-%{yyyy}', pipeline: 'a b', path: '/es/' })
    await sink.send(sinkBatch(ecs('a'.repeat(2000), 7) + json('b', { time: TIME + 1 })))
    const [{ url, headers, lines } = {} as Received] = received
    expect(url).to.match(/^\/es\/_bulk\?.*&pipeline=a%20b$/)
    expect(headers['content-encoding']).to.equal('gzip')
    expect(lines[0]).to.have.nested.property('create._index', 'app-2026.02.03-2026')
    expect(lines[2]).to.have.nested.property('create._index', 'app-2026.02.04-2026')
  })

  it('copies the lines before it sends them', async () => {
    const { sink, received } = await start()
    const batch = sinkBatch(ecs('a', 7))
    const sent = sink.send(batch)
    batch.lines.fill(0x20)
    await sent
    expect(received[0]?.lines[1]).to.include({ message: 'a' })
  })

  describe('what it makes of an answer', () => {
    const four = sinkBatch([7, 8, 9, 10].map((seq) => ecs('m', seq)).join(''))
    const answering =
      (body: object, status = 200) =>
      (res: ServerResponse): void =>
        void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

    it('goes by items: 409 is there already, 429 and 5xx may work later, others never', async () => {
      const error = { type: 'mapper_parsing_exception', reason: 'failed to\u001b parse [n]' }
      const items = [
        { status: 409, error: {} },
        { status: 429, error: { type: 'busy' } },
        { status: 400, error },
        { status: 201 },
      ]
      const { sink, origin } = await start({}, answering({ errors: true, items: items.map((create) => ({ create })) }))
      expect(await sink.send(four)).to.deep.equal({
        ...{ outcome: 'partial', rejected: [2], retryable: [1] },
        reason: `POST ${origin} refused 1 of 4 documents and does not take 1 of 4 documents now: 429 busy; 400 mapper_parsing_exception failed to parse [n]`,
      })
    })

    it('has all if each item is there, though it says that there are errors', async () => {
      const items = Array(4).fill({ create: { status: 409 } })
      const { sink } = await start({}, answering({ errors: true, items }))
      expect(await sink.send(four)).to.deep.equal({ outcome: 'delivered' })
    })

    it('asks for parts when the answer does not fit, or is too long', async () => {
      const short = await start({}, answering({ errors: true, items: [{ create: { status: 400 } }] }))
      const long = await start(
        { maxResponseBytes: 10 },
        answering({ errors: true, items: Array(4).fill({ create: { status: 201 } }) }),
      )
      for (const { sink } of [short, long]) {
        expect(await sink.send(four)).to.include({ outcome: 'rejected', divisible: true })
      }
    })

    it('may try again when the answer is none to _bulk, after a while: somebody may mend the address', async () => {
      const { sink, origin } = await start({}, (res) => void res.end('<html>'))
      expect(await sink.send(four)).to.deep.equal({
        ...{ outcome: 'retryable', retryAfterMs: 5_000 },
        reason: `POST ${origin} gave an answer that is none to _bulk; is it the right address?`,
      })
    })

    it('may try again when the answer breaks off, or does not end in time', async () => {
      const begin = (res: ServerResponse): ServerResponse => res.writeHead(200, { 'content-length': 1_000 })
      const broken = await start({}, (res) => void begin(res).write('{"errors":', () => res.destroy()))
      const slow = await start({ timeoutMs: 100 }, (res) => void begin(res).write('{"errors":'))
      for (const { sink, origin } of [broken, slow]) {
        expect(await sink.send(four)).to.deep.equal({
          ...{ outcome: 'retryable', reason: `POST ${origin} gave an answer that broke off` },
        })
      }
    })

    it('goes by the status where that is an error', async () => {
      for (const [status, expected] of [
        [401, { outcome: 'retryable' }],
        [405, { outcome: 'rejected' }],
        [413, { outcome: 'rejected', divisible: true }],
        [429, { outcome: 'retryable' }],
        [503, { outcome: 'retryable' }],
      ] as const) {
        const { sink, origin } = await start({}, answering({ error: 'why' }, status))
        const result = await sink.send(four)
        expect(result).to.include(expected)
        expect((result as { reason: string }).reason).to.match(new RegExp(`^POST ${origin} answered ${status} .*why`))
      }
    })

    it('may try again when nobody answers in time', async () => {
      const { sink } = await start({ timeoutMs: 30 }, () => undefined)
      expect(await sink.send(four)).to.include({ outcome: 'retryable' })
    })
  })
})
