import type { ServerResponse } from 'node:http'
import { expect } from 'chai'
import { type OtlpSinkOptions, otlpSink } from 'tracelane'
import { type AsyncSink, type BatchResult, openAsyncSink } from '../../../lib/sinks'
import { sinkBatch } from '../../support'
import { type OtlpRequest, responseOf, serveOtlp } from './otlp-server'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const WHO = { service: 'orders', host: 'h1', pid: 7, instance: '00c0ffee00c0ffee' }

const line = (said: object): string =>
  `${JSON.stringify({ time: 1_700_000_000_123, level: 'info', logger: 'a', ...WHO, ...said })}\n`

const ANSWERED = line({
  ...{
    logger: 'tracelane.span',
    msg: 'GET /orders/7',
    level: 'error',
    traceId: TRACE,
    spanId: SPAN,
    parentSpanId: 'b'.repeat(16),
  },
  span: {
    ...{
      kind: 'server',
      name: 'GET /orders/7',
      outcome: 'error',
      durationMs: 1.5,
      status: 503,
      method: 'GET',
      route: '/orders/:id',
    },
    ...{ error: 'too slow', links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }], bytesSent: 12 },
  },
})

describe('openAsyncSink() of an otlpSink', () => {
  const open: { close(): Promise<void> }[] = []

  async function start(
    options: Omit<OtlpSinkOptions, 'url'> & { path?: string } = {},
    answer: (res: ServerResponse, request: OtlpRequest, n: number) => void = (res) => void res.end(),
  ): Promise<{ readonly sink: AsyncSink; readonly requests: readonly OtlpRequest[]; readonly origin: string }> {
    const { path = '', ...others } = options
    const server = await serveOtlp(answer)
    const sink = openAsyncSink(otlpSink({ url: server.origin + path, ...others }))
    open.push(sink, server)
    return { sink, requests: server.requests, origin: server.origin }
  }

  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })

  for (const encoding of ['protobuf', 'json'] as const) {
    describe(`in ${encoding}`, () => {
      it('an event is a log record: time, severity, body, ids, attributes, and its process is the resource', async () => {
        const { sink, requests } = await start({ encoding, gzip: false })
        const fields = { n: 1, big: 2 ** 60, half: -0.5, yes: true, nil: null, list: [1, 'ä'], deep: { a: { b: [] } }, minus: -7 }
        const said = { level: 'warn', msg: 'höh', traceId: TRACE, spanId: SPAN, hlc: '0'.repeat(16), seq: 300, ...fields }
        expect(await sink.send(sinkBatch(line(said)))).to.deep.equal({ outcome: 'delivered' })
        const [{ url, headers, records } = {} as OtlpRequest] = requests
        expect(url).to.equal('/v1/logs')
        expect(headers['content-type']).to.equal(encoding === 'json' ? 'application/json' : 'application/x-protobuf')
        expect(records).to.have.length(1)
        const [{ resource, scope, attributes, record }] = records as [OtlpRequest['records'][0]]
        expect(resource).to.deep.equal({
          ...{ 'service.name': 'orders', 'service.instance.id': '00c0ffee00c0ffee', 'host.name': 'h1', 'process.pid': 7 },
        })
        expect(scope).to.equal('a')
        expect(attributes).to.deep.equal({ 'tracelane.hlc': '0'.repeat(16), 'tracelane.seq': 300, ...fields })
        expect(record).to.include({
          ...{ timeUnixNano: '1700000000123000000', observedTimeUnixNano: '1700000000123000000', severityNumber: 13 },
          ...{ severityText: 'WARN', body: 'höh', traceId: TRACE, spanId: SPAN },
        })
      })

      it('an error and a caller have the names of the semantic conventions', async () => {
        const { sink, requests } = await start({ encoding })
        const err = { type: 'TypeError', message: 'no', stack: 'TypeError: no\n  at x' }
        await sink.send(sinkBatch(line({ msg: 'm', err, caller: { file: 'a.ts', line: 3, function: 'f' } })))
        expect(requests[0]?.records[0]?.attributes).to.deep.equal({
          ...{ 'exception.type': 'TypeError', 'exception.message': 'no', 'exception.stacktrace': err.stack },
          ...{ 'code.file.path': 'a.ts', 'code.line.number': 3, 'code.function.name': 'f' },
        })
      })

      it('spans: traces makes spans of the events at their end, which take another request', async () => {
        const { sink, requests } = await start({ encoding, spans: 'traces' })
        await sink.send(sinkBatch(line({ msg: 'm' }) + ANSWERED))
        expect(requests.map(({ url, records }) => [url, records.length])).to.deep.equal([
          ['/v1/logs', 1],
          ['/v1/traces', 1],
        ])
        const [{ record, attributes }] = (requests[1] as OtlpRequest).records as [OtlpRequest['records'][0]]
        expect(record).to.deep.include({
          ...{ traceId: TRACE, spanId: SPAN, parentSpanId: 'b'.repeat(16), name: 'GET /orders/:id', kind: 2 },
          ...{ startTimeUnixNano: '1700000000121500000', endTimeUnixNano: '1700000000123000000' },
          status: { code: 2, message: 'too slow' },
          links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }],
        })
        expect(attributes).to.deep.equal({
          ...{ 'http.request.method': 'GET', 'http.route': '/orders/:id', 'http.response.status_code': 503 },
          ...{
            'url.path': '/orders/7',
            'http.response.body.size': 12,
            'tracelane.outcome': 'error',
            'error.message': 'too slow',
          },
        })
      })
    })
  }

  it('spans: logs, the default, and both send the events at the end of spans as records', async () => {
    for (const [spans, urls] of [
      ['logs', ['/v1/logs']],
      ['both', ['/v1/logs', '/v1/traces']],
    ] as const) {
      const { sink, requests } = await start({ spans })
      await sink.send(sinkBatch(ANSWERED))
      expect(requests.map(({ url }) => url)).to.deep.equal(urls)
      expect(requests[0]?.records[0]?.attributes).to.include({ 'tracelane.duration_ms': 1.5 })
    }
  })

  it('groups records by process and logger, in order', async () => {
    const { sink, requests } = await start()
    const said = [{ msg: '1' }, { msg: '2', logger: 'b' }, { msg: '3', pid: 8 }, { msg: '4' }]
    await sink.send(sinkBatch(said.map(line).join('')))
    expect(
      requests[0]?.records.map(({ resource, scope, record }) => `${resource['process.pid']} ${scope} ${record['body']}`),
    ).to.deep.equal(['7 a 1', '7 a 4', '7 b 2', '8 a 3'])
  })

  it('adds the resource that is given, which wins, and appends to the path of the url', async () => {
    const { sink, requests } = await start({ path: '/otlp/', resource: { 'service.name': 'x', 'a.b': 1 }, ordering: false })
    await sink.send(sinkBatch(line({ msg: 'm', hlc: '0'.repeat(16), seq: 3 })))
    const [{ url, records } = {} as OtlpRequest] = requests
    expect(url).to.equal('/otlp/v1/logs')
    expect(records[0]?.resource).to.deep.equal({ 'host.name': 'h1', 'process.pid': 7, 'service.name': 'x', 'a.b': 1 })
    expect(records[0]?.attributes).to.deep.equal({})
  })

  it('takes lines that are not ours: pino’s, and such as are no JSON', async () => {
    const { sink, requests } = await start()
    const pino = '{"level":40,"time":1700000000123,"pid":1,"hostname":"h","msg":"p","traceId":"short"}\n'
    const batch = { ...sinkBatch(pino), rows: () => [{ start: 0, end: pino.length, severity: 13, seq: 1, traceId: undefined }] }
    await sink.send(batch)
    const strange = { ...sinkBatch('{}\n'), lines: Buffer.from('no\n'), rows: () => [{ ...batch.rows()[0], start: 0, end: 3 }] }
    await sink.send(strange as typeof batch)
    const [first, second] = requests.map(({ records }) => records[0])
    expect(first?.resource).to.deep.equal({ 'host.name': 'h', 'process.pid': 1 })
    expect(first?.record).to.include({ severityNumber: 13, severityText: 'WARN', body: 'p' })
    expect(second?.record).to.include({ body: 'no' })
  })

  describe('what it makes of an answer', () => {
    const lines = sinkBatch(line({ msg: '1' }) + line({ msg: '2' }) + line({ msg: '3' }))

    it('a partial success in protobuf or JSON: as many as it names are counted, with its reason and nothing secret', async () => {
      for (const encoding of ['protobuf', 'json'] as const) {
        const options = { encoding, headers: { authorization: 'Bearer s3cr3t' } }
        const { sink, origin } = await start(options, (res) => {
          const json = JSON.stringify({ partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too\u001b old for s3cr3t' } })
          res.setHeader('content-type', encoding === 'json' ? 'application/json' : 'application/x-protobuf')
          res.end(encoding === 'json' ? json : responseOf(2, 'too\u001b old for s3cr3t'))
        })
        expect(await sink.send(lines)).to.deep.equal({
          ...{ outcome: 'partial', rejected: [0, 1], retryable: [] },
          reason: `POST ${origin} refused 2 of 3 records: too old for [redacted]`,
        })
      }
    })

    it('a partial success that refuses none is a receipt', async () => {
      const { sink } = await start({}, (res) => {
        res.setHeader('content-type', 'application/x-protobuf').end(responseOf(0, 'a warning'))
      })
      expect(await sink.send(lines)).to.deep.equal({ outcome: 'delivered' })
    })

    it('429, 502, 503 and 504 may be tried again, when the server says, and what somebody may mend; no other status', async () => {
      const outcomes: Record<number, BatchResult> = {}
      for (const status of [400, 401, 405, 413, 429, 500, 501, 502, 503, 504]) {
        const { sink } = await start({}, (res) => void res.writeHead(status, { 'retry-after': '3' }).end())
        outcomes[status] = await sink.send(lines)
      }
      const kinds = Object.entries(outcomes).map(([status, result]) => {
        const { outcome, divisible, retryAfterMs } = result as { outcome: string; divisible?: boolean; retryAfterMs?: number }
        return `${status} ${outcome}${divisible === true ? ' divisible' : ''}${retryAfterMs === undefined ? '' : ` ${retryAfterMs}`}`
      })
      expect(kinds).to.deep.equal([
        ...['400 rejected divisible', '401 retryable 5000', '405 rejected', '413 rejected divisible'],
        ...[
          '429 retryable 3000',
          '500 rejected',
          '501 rejected',
          '502 retryable 3000',
          '503 retryable 3000',
          '504 retryable 3000',
        ],
      ])
    })

    it('a page is no receipt, whatever its status: it is tried again after a while, when somebody may have mended the address', async () => {
      const { sink, origin } = await start({}, (res) => void res.setHeader('content-type', 'text/html').end('<html>'))
      expect(await sink.send(lines)).to.deep.equal({
        ...{ outcome: 'retryable', retryAfterMs: 5_000 },
        reason: `POST ${origin} answered with a page, as no receiver does; is it the right address?`,
      })
    })

    it('shows the message of a status in protobuf', async () => {
      const { sink, origin } = await start({}, (res) => {
        const message = Buffer.from('bad \u0000data')
        const body = Buffer.concat([Buffer.from([0x08, 3, 0x12, message.length]), message])
        res.writeHead(400, { 'content-type': 'application/x-protobuf' }).end(body)
      })
      expect((await sink.send(lines)) as { reason: string }).to.include({
        reason: `POST ${origin} answered 400 Bad Request: bad data`,
      })
    })

    it('of two requests: what one of them is not taken for is tried again alone, and divided then', async () => {
      const { sink } = await start({ spans: 'traces' }, (res, { url }) => {
        res.writeHead(url === '/v1/logs' ? 400 : 200).end()
      })
      const mixed = sinkBatch(line({ msg: '1' }) + ANSWERED + line({ msg: '2' }))
      expect(await sink.send(mixed)).to.deep.include({ outcome: 'partial', rejected: [], retryable: [0, 2] })
      expect(await sink.send(sinkBatch(line({ msg: '1' })))).to.include({ outcome: 'rejected', divisible: true })
    })

    it('of two requests for the same event: it is refused with the one that refuses it', async () => {
      const { sink } = await start({ spans: 'both' }, (res, { url }) => {
        res.writeHead(url === '/v1/traces' ? 400 : 200).end()
      })
      expect(await sink.send(sinkBatch(ANSWERED))).to.include({ outcome: 'rejected', divisible: true })
    })

    it('nobody listens, or nobody answers in time: later', async () => {
      const { sink } = await start({ timeoutMs: 30 }, () => undefined)
      expect(await sink.send(lines)).to.include({ outcome: 'retryable' })
    })
  })
})
