import type { IncomingMessage, RequestListener } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { runNode, tempFolder } from '../support'
import { type FlowLine, flowsProgram } from '../support/flows-program'
import { serve, type TestServer } from '../support/http-server'
import { decodedLogs } from './otlp/otlp-server'

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const whole = Buffer.concat(chunks)
  return req.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole
}

const objectsIn = (body: Buffer): object[] =>
  body
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object)

interface Destination {
  readonly name: string
  /** The source of its sink. */
  readonly sink: string
  linesOf(body: Buffer): FlowLine[]
  answer(lines: number): string
}

const DESTINATIONS: readonly Destination[] = [
  { name: 'httpSink', sink: 'httpSink({ url: address })', linesOf: (body) => objectsIn(body) as FlowLine[], answer: () => '' },
  {
    name: 'otlpSink',
    sink: 'otlpSink({ url: address })',
    linesOf: (body) =>
      decodedLogs(body).map(({ record, attributes }) => {
        const [traceId, mine] = [record['traceId'], attributes['mine']] as (string | undefined)[]
        return { ...(traceId ? { traceId } : {}), ...(mine === undefined ? {} : { mine }) }
      }),
    answer: () => '',
  },
  {
    name: 'elasticsearchSink',
    sink: 'elasticsearchSink({ url: address })',
    linesOf: (body) =>
      objectsIn(body)
        .filter((_, i) => i % 2 === 1)
        .map((document) => {
          const { 'trace.id': traceId, labels } = document as { readonly 'trace.id'?: string; readonly labels?: FlowLine }
          return { ...(traceId === undefined ? {} : { traceId }), ...labels }
        }),
    answer: (lines) =>
      JSON.stringify({ errors: false, items: Array.from({ length: lines }, () => ({ create: { status: 201 } })) }),
  },
]

/*
 * The batch is sent by a timer, a full queue or flush(), in whatever flow that happens; each line says itself which trace it must have.
 */
describe('a sink on the network that is flushed in the context of another request', () => {
  for (const { name, sink, linesOf, answer } of DESTINATIONS) {
    for (const thread of ['true', 'false']) {
      it(`sends each line of ${name} under the trace of the flow that logged it, with thread: ${thread}`, async () => {
        const lines: FlowLine[] = []
        const handler: RequestListener = async (req, res) => {
          const got = linesOf(await bodyOf(req))
          lines.push(...got)
          res.setHeader('content-type', 'application/json')
          res.end(answer(got.length))
        }
        const server: TestServer = await serve(handler)
        try {
          const args = ['-e', flowsProgram(sink), server.origin, 'none', thread]
          const { code, stderr } = await runNode(args, { env: { TMPDIR: tempFolder() } })
          expect(stderr).to.equal('')
          expect(code).to.equal(0)
        } finally {
          await server.close()
        }
        const traced = lines.filter(({ mine }) => mine !== undefined)
        expect([lines.length, traced.length]).to.deep.equal([1_001, 1_000])
        expect(traced.filter(({ traceId, mine }) => traceId !== mine)).to.deep.equal([])
        expect(lines.filter(({ mine, traceId }) => mine === undefined && traceId !== undefined)).to.deep.equal([])
        expect(new Set(traced.map(({ mine }) => mine)).size).to.equal(100)
      })
    }
  }
})
