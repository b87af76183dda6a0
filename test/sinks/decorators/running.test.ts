import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import type { SinkLedger } from 'tracelane'
import { jsonLinesOf, runNode, startNode, tempFolder } from '../../support'
import { serve, type TestServer } from '../../support/http-server'

const TRACES = 20
const LINES = 50
const NOISE = 100
const ALL = TRACES * LINES + NOISE

interface Line {
  readonly msg: string
  readonly n: number
  readonly traceId: string
}

/* Logs lines of many traces, turn by turn, then noise, line by line; prints the account of its sink. */
function program(sink: string, thread: boolean, end = 'close()'): string {
  return `
    const { close, configure, flush, getLogger, ledger, runWithTrace } = require('tracelane')
    const T = require('tracelane')
    const log = getLogger('orders')
    configure({ sinks: [${sink}], thread: ${thread}, maxFlushTimeMs: 30_000, queueBytes: 2 ** 22 })
    const trace = (t) => runWithTrace({ traceparent: '00-' + String(t + 1).padStart(32, '0') + '-00f067aa0ba902b7-01' }, async () => {
      for (let n = 0; n < ${LINES}; n++) {
        log.info('line', { n })
        if (n % 10 === 0) await new Promise(setImmediate)
      }
    })
    async function main() {
      await Promise.all(Array.from({ length: ${TRACES} }, (_, t) => trace(t)))
      await flush({ deadlineMs: 30_000 })
      for (let i = 0; i < ${NOISE}; i++) {
        getLogger('noise.of').info('noise')
        await flush({ deadlineMs: 30_000 })
      }
      console.log(JSON.stringify(ledger()[0].sinks[0]))
      await ${end}
    }
    main()`
}

/* Logs one line, and prints the account when nothing is left in the spool. */
function drainer(sink: string, thread: boolean): string {
  return `
    const { close, configure, flush, getLogger, ledger } = require('tracelane')
    const T = require('tracelane')
    configure({ sinks: [${sink}], thread: ${thread} })
    const account = () => ledger()[0].sinks[0]
    async function main() {
      getLogger('orders').info('one more')
      await flush()
      while (account().spooled > 0 || account().delivered <= ${ALL}) await new Promise((resolve) => setTimeout(resolve, 5))
      console.log(JSON.stringify(account()))
      await close()
    }
    main()`
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return (req.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString()
}

/* Each line of each trace once, in order. */
function expectAllInOrder(lines: readonly Line[]): void {
  const byTrace = new Map<string, number[]>()
  for (const { traceId, n } of lines) byTrace.set(traceId, [...(byTrace.get(traceId) ?? []), n])
  const numbers = Array.from({ length: LINES }, (_, n) => n)
  expect([...byTrace.values()]).to.deep.equal(Array.from({ length: TRACES }, () => numbers))
}

describe('decorators in a running program', () => {
  let server: TestServer
  let text: string
  /* How often the destination is still down, and how. */
  let troubles: ('gone' | 'busy')[]
  /* For as long as the test says. */
  let isDown: boolean

  beforeEach(async () => {
    text = ''
    troubles = []
    isDown = false
    server = await serve(async (req, res) => {
      const trouble = isDown ? 'gone' : troubles.shift()
      if (trouble === 'gone') {
        req.socket.destroy()
        return
      }
      const body = await textOf(req)
      if (trouble === undefined) text += body
      res.writeHead(trouble === undefined ? 200 : 503, { 'retry-after': '0' }).end()
    })
  })

  afterEach(() => server.close())

  const received = (): Line[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line)

  async function accountOf(sink: string, thread: boolean): Promise<SinkLedger> {
    const { stdout, stderr, code } = await runNode(['-e', program(sink, thread)])
    expect(code, stderr).to.equal(0)
    return JSON.parse(stdout) as SinkLedger
  }

  for (const thread of [true, false]) {
    it(`keep on the disk what a destination does not take, across kill -9 (${thread ? 'a flush thread' : 'the thread that logs'})`, async () => {
      const sink = `T.spooling(T.httpSink({ url: '${server.origin}', maxBatchEvents: 100 }), { directory: ${JSON.stringify(tempFolder())} })`
      isDown = true
      const killed = startNode(['-e', program(sink, thread, 'setInterval(() => {}, 1000)')])
      const [, account = ''] = await killed.waitForOutput(/^(\{.*\})$/m)
      expect(JSON.parse(account)).to.include({ entered: ALL, spooled: ALL, delivered: 0, inFlight: 0 })
      await killed.stop('SIGKILL')
      isDown = false
      const { stdout, stderr, code } = await runNode(['-e', drainer(sink, thread)])
      expect(code, stderr).to.equal(0)
      expectAllInOrder(received().filter(({ msg }) => msg === 'line'))
      expect(JSON.parse(stdout)).to.include({
        entered: 1,
        recovered: ALL,
        delivered: ALL + 1,
        spooled: 0,
        damaged: 0,
        inFlight: 0,
      })
    })

    describe(thread ? 'on a flush thread' : 'on the thread that logs', () => {
      it('bring each line once and in order to a destination that was down, and count what they left out', async () => {
        troubles = ['gone', 'busy', 'gone', 'gone', 'busy', 'busy', 'gone']
        const account = await accountOf(
          `T.filtering(T.retrying(T.circuitBreaking(T.httpSink({ url: '${server.origin}', maxBatchEvents: 100 }), { failures: 2, openMs: 20 }),
            { firstDelayMs: 1, maxDelayMs: 40 }), { drop: { logger: 'noise' } })`,
          thread,
        )
        expectAllInOrder(received())
        const delivered = TRACES * LINES
        expect(account).to.include({ entered: delivered + NOISE, delivered, filtered: NOISE, rejected: 0, inFlight: 0 })
        expect(account.retried).to.be.at.least(7)
      })

      it('write to a file while a destination is down, and go back to it', async () => {
        troubles = ['gone', 'gone', 'busy', 'gone']
        const path = join(tempFolder(), 'second.log')
        const account = await accountOf(
          `T.failover([T.retrying(T.httpSink({ url: '${server.origin}', maxBatchEvents: 50 }), { attempts: 2, firstDelayMs: 1 }),
            T.fileSink({ path: ${JSON.stringify(path)} })], { probeAfterMs: 1 })`,
          thread,
        )
        const written = jsonLinesOf(path) as unknown as Line[]
        expect(written.length).to.be.within(1, TRACES * LINES)
        const all = [...written, ...received()].filter(({ msg }) => msg === 'line')
        const names = new Set(all.map(({ traceId, n }) => `${traceId} ${n}`))
        expect([all.length, names.size]).to.deep.equal([TRACES * LINES, TRACES * LINES])
        expect(received()).to.have.length.above(0)
        expect(account).to.include({ delivered: TRACES * LINES + NOISE, rejected: 0, inFlight: 0 })
      })

      it('send each line one way, several ways, or all ways, as they are told', async () => {
        const folder = tempFolder()
        const file = (name: string): string => `T.fileSink({ path: ${JSON.stringify(join(folder, name))} })`
        const account = await accountOf(
          `T.tee([${file('all')}, T.routing({ routes: [{ when: { logger: 'noise' }, to: ${file('noise')} },
            { when: { trace: true }, to: [${file('one')}, ${file('two')}] }], otherwise: 'drop' })])`,
          thread,
        )
        const linesOf = (name: string): Line[] => jsonLinesOf(join(folder, name)) as unknown as Line[]
        expect(linesOf('all')).to.have.length(TRACES * LINES + NOISE)
        expect(linesOf('noise')).to.have.length(NOISE)
        expectAllInOrder([...linesOf('one'), ...linesOf('two')])
        expect(linesOf('one')).to.have.length(linesOf('two').length)
        expect(account).to.include({ delivered: TRACES * LINES + NOISE, filtered: 0, inFlight: 0 })
      })
    })
  }

  for (const end of ['', 'process.exit(0)']) {
    it(`have a file written when the program ends by ${end === '' ? 'itself' : end}`, async () => {
      const path = join(tempFolder(), 'a.log')
      const code = `const T = require('tracelane')
        T.configure({ thread: true, maxFlushTimeMs: 30_000, sinks: [T.retrying(T.fileSink({ path: ${JSON.stringify(path)} }))] })
        for (let n = 0; n < 2000; n++) T.getLogger('x').info('line', { n })
        ${end}`
      const outcome = await runNode(['-e', code])
      expect(outcome).to.include({ code: 0, stderr: '' })
      expect(jsonLinesOf(path).map(({ n }) => n)).to.deep.equal(Array.from({ length: 2000 }, (_, n) => n))
    })
  }
})
