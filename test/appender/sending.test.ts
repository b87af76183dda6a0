import type { IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { close, configure, flush, getLogger, httpSink, type LoggingOptions, ledger, type SinkLedger, withTask } from 'tracelane'
import { traceListener } from 'tracelane/middleware/http'
import { until } from '../support'
import { serve, type TestServer } from '../support/http-server'

const LONG_MS = 60_000

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return (req.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

describe('sending over the network', () => {
  let server: TestServer
  /* The messages of each request that the server took. */
  let received: string[][]
  /* What the server answers, given the messages; 200 for undefined. */
  let answer: (messages: readonly string[]) => number | undefined

  beforeEach(async () => {
    received = []
    answer = () => undefined
    server = await serve(async (req, res) => {
      const body = await bodyOf(req)
      const messages = body
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { msg: string }).msg)
      const status = answer(messages) ?? 200
      if (status === 200) received.push(messages)
      res.writeHead(status).end()
    })
  })

  afterEach(async () => {
    await close()
    await server.close()
  })

  const account = (): SinkLedger => ledger()[0]?.sinks[0] as SinkLedger
  const has = (msg: string): Promise<unknown> => until(msg, () => received.flat().includes(msg))

  for (const thread of [true, false]) {
    describe(thread ? 'from a flush thread' : 'from the thread that logs', () => {
      function start(sending: Omit<Parameters<typeof httpSink>[0], 'url'>, options: LoggingOptions = {}): void {
        void configure({ thread, sinks: [httpSink({ url: server.origin, ...sending })], ...options })
      }

      it('the end of a task sends its lines at once, however long lingerMs is', async () => {
        start({ lingerMs: LONG_MS })
        await withTask({ task: 'job-1' }, async () => getLogger('x').info('of the task'))
        await has('of the task')
        await until('the receipt', () => account().inFlight === 0)
      })

      it('the end of a request does so when its lines are handed over', async () => {
        start({ lingerMs: LONG_MS })
        getLogger('x').info('before')
        await flush()
        const app = await serve(
          traceListener((_, res) => {
            getLogger('x').info('of the request')
            res.end()
          }),
        )
        await (await fetch(app.origin)).text()
        await has('of the request')
        await app.close()
      })

      it('a poisonous event is quarantined, and all others are delivered', async () => {
        answer = (messages) => (messages.includes('poison') ? 400 : undefined)
        start({})
        for (let i = 0; i < 50; i++) getLogger('x').info(i === 20 ? 'poison' : `${i}`)
        await flush({ deadlineMs: 10_000 })
        expect(account()).to.include({ entered: 50, delivered: 49, quarantined: 1, rejected: 0, inFlight: 0 })
        expect(received.flat()).to.deep.equal([...Array(50).keys()].filter((i) => i !== 20).map(String))
      })
    })
  }
})
