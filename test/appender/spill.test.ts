import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { close, configure, fileSink, flush, getLogger, httpSink, type LoggingOptions, ledger, type SinkLedger } from 'tracelane'
import { projectFile, runNode, startNode, tempFolder, until } from '../support'

const log = getLogger('test.spill')
const EVENTS = 20_000

const OUTLIVES = projectFile('test/fixtures/appender/outlives.cjs')

interface Line {
  readonly msg: string
  readonly i?: number
  readonly seq: number
}

function account(): SinkLedger {
  return ledger()[0]?.sinks[0] as SinkLedger
}

function expectBalance(): void {
  const { entered, recovered, delivered, discardedTotal, rejected, quarantined, spooled, inFlight, damaged } = account()
  expect(entered + recovered).to.equal(delivered + discardedTotal + rejected + quarantined + spooled + inFlight + damaged)
}

function linesIn(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/* The last line of the program above. */
function outcomesIn(stdout: string): Partial<SinkLedger> {
  const { delivered, rejected, spooled, inFlight } = JSON.parse(stdout.trim().split('\n').at(-1) as string) as SinkLedger
  return { delivered, rejected, spooled, inFlight }
}

/* First what the program logged before it was told to end, of which what lay in the ring comes last, then what it logged after. */
function expectBoth(lines: readonly Line[]): void {
  const all = (msg: string): number[] => inOrder(lines.filter((line) => line.msg === msg))
  expect(lines.map(({ msg }) => msg).indexOf('alive')).to.equal(2000)
  expect(all('before').sort((a, b) => a - b)).to.deep.equal(UPTO(2000))
  expect(all('alive')).to.deep.equal(UPTO(2000))
}

const inOrder = (lines: readonly Line[]): number[] => lines.flatMap(({ i }) => (i === undefined ? [] : [i]))
const UPTO = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe("overflow 'spill'", () => {
  let folder: string
  let blocker: string
  let path: string

  /* The folder of the file is a file at first, so nothing can be written. */
  function block(): void {
    folder = tempFolder()
    blocker = join(folder, 'logs')
    writeFileSync(blocker, '')
    path = join(blocker, 'out.log')
  }

  function logTo(options: LoggingOptions = {}): void {
    block()
    const spool = { directory: join(folder, 'spool') }
    void configure({ queueBytes: 256 * 1024, overflow: 'spill', spool, sinks: [fileSink({ path })], ...options })
  }

  function open(): void {
    rmSync(blocker)
    mkdirSync(blocker)
  }

  afterEach(async () => {
    await close()
  })

  for (const thread of [true, false]) {
    it(`keeps every event of a burst for a destination that is not there, and delivers all in order when it is: thread ${thread}`, async () => {
      logTo({ thread })
      for (let i = 0; i < EVENTS; i++) log.info('a line that finds no room', { i })
      await flush({ deadlineMs: 50 })
      expect(account().spooled, 'in the spool').to.be.greaterThan(EVENTS / 2)
      expect(account().discardedTotal).to.equal(0)
      expectBalance()
      open()
      const { delivered, pending } = await flush({ deadlineMs: 15_000 })
      expect({ delivered, pending }).to.deep.equal({ delivered: EVENTS, pending: 0 })
      expect(inOrder(linesIn(readFileSync(path, 'utf8')))).to.deep.equal(UPTO(EVENTS))
      expectBalance()
      // The ring takes events again.
      log.info('after', { i: EVENTS })
      await flush()
      expect(inOrder(linesIn(readFileSync(path, 'utf8'))).at(-1)).to.equal(EVENTS)
      expect(account().spooled).to.equal(0)
    })
  }

  it('goes on in order while events come and the destination is slow', async () => {
    folder = tempFolder()
    const fifo = join(folder, 'fifo')
    execFileSync('mkfifo', [fifo])
    const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    const spool = { directory: join(folder, 'spool') }
    void configure({ queueBytes: 64 * 1024, overflow: 'spill', spool, sinks: [fileSink({ path: fifo })] })
    let text = ''
    const chunk = Buffer.alloc(16 * 1024)
    let logged = 0
    const readSome = (): void => {
      try {
        text += chunk.toString('latin1', 0, readSync(reader, chunk))
      } catch {
        // Empty
      }
    }
    for (let turn = 0; turn < 100; turn++) {
      for (let i = 0; i < 50; i++) log.info('a line', { i: logged++ })
      readSome()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until('all lines', () => {
      void flush({ deadlineMs: 0 })
      for (let i = 0; i < 20; i++) readSome()
      return text.split('\n').length > logged
    })
    closeSync(reader)
    expect(inOrder(linesIn(text))).to.deep.equal(UPTO(logged))
    expectBalance()
  })

  it('discards and counts what the spool refuses', async () => {
    logTo({ spool: { directory: join(tempFolder(), 'spool'), maxBytes: 1024 * 1024 } })
    for (let i = 0; i < EVENTS; i++) log.info('a line that finds no room', { i })
    const { discarded, discardedTotal } = account()
    expect(discardedTotal).to.be.greaterThan(0)
    expect(discarded.spool?.info).to.equal(discardedTotal)
    expectBalance()
    open()
    await flush({ deadlineMs: 15_000 })
    expectBalance()
    const lines = linesIn(readFileSync(path, 'utf8'))
    expect(inOrder(lines)).to.have.length(EVENTS - discardedTotal)
  })

  it('has what a process could not deliver delivered by the next one, before its own lines', async () => {
    block()
    const { stderr } = await runNode([join(__dirname, '../../../test/fixtures/appender/spill.cjs'), folder, String(EVENTS)])
    expect(stderr).not.to.include('were not written')
    expect(readdirSync(join(folder, 'spool'))).to.have.length(1)
    open()
    void configure({ sinks: [fileSink({ path })], spool: { directory: join(folder, 'spool') } })
    log.info('the next process', { i: EVENTS })
    await flush({ deadlineMs: 15_000 })
    expect(account().recovered).to.equal(EVENTS)
    expect(inOrder(linesIn(readFileSync(path, 'utf8'))).at(-1)).to.equal(EVENTS)
    expect(new Set(inOrder(linesIn(readFileSync(path, 'utf8')))).size).to.equal(EVENTS + 1)
    expectBalance()
  })

  it('is gone on with by a process that its end signal does not end, as process 1 of a container', async () => {
    block()
    const program = startNode([OUTLIVES, folder, '2000'])
    await program.waitForOutput(/logged/)
    const { code, stdout } = await program.stop('SIGTERM')
    expect({ code, path }).to.deep.equal({ code: 0, path: join(folder, 'logs', 'out.log') })
    expect(outcomesIn(stdout)).to.deep.equal({ delivered: 4000, rejected: 0, spooled: 0, inFlight: 0 })
    expectBoth(linesIn(readFileSync(path, 'utf8')))
  })

  it('is refused without a spool', () => {
    expect(() => configure({ overflow: 'spill' })).to.throw("overflow: 'spill' needs 'spool'")
  })

  describe('over the network', () => {
    let server: Server
    let url: string
    let lines: Line[]
    let isWell: boolean

    beforeEach(async () => {
      lines = []
      isWell = false
      server = createServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk))
        request.on('end', () => {
          if (isWell) {
            const body = Buffer.concat(chunks)
            const isZipped = request.headers['content-encoding'] === 'gzip'
            lines.push(...linesIn((isZipped ? gunzipSync(body) : body).toString()))
          }
          response.writeHead(isWell ? 200 : 503).end()
        })
      }).listen(0, '127.0.0.1')
      await until('the server', () => server.listening)
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs`
    })

    afterEach(() => {
      server.close()
      server.closeAllConnections()
    })

    it('keeps what finds no room while the server is away, and sends all of it in order', async () => {
      const spool = { directory: join(tempFolder(), 'spool') }
      void configure({ queueBytes: 256 * 1024, overflow: 'spill', spool, sinks: [httpSink({ url })] })
      for (let i = 0; i < EVENTS; i++) log.info('a line that finds no room', { i })
      await flush({ deadlineMs: 50 })
      expect(account().spooled, 'in the spool').to.be.greaterThan(EVENTS / 2)
      isWell = true
      await flush({ deadlineMs: 15_000 })
      expect(inOrder(lines)).to.deep.equal(UPTO(EVENTS))
      expectBalance()
    })

    it('is gone on with by a process that its end signal does not end', async () => {
      const program = startNode([OUTLIVES, tempFolder(), '2000', url])
      await program.waitForOutput(/logged/)
      program.child.kill('SIGTERM')
      await program.waitForOutput(/told to end/)
      isWell = true
      const { code, stdout } = await program.ended
      expect(code).to.equal(0)
      expect(outcomesIn(stdout)).to.deep.equal({ delivered: 4000, rejected: 0, spooled: 0, inFlight: 0 })
      // What was on its way when the rest was kept may come twice.
      expectBoth([...new Map(lines.map((line) => [line.seq, line])).values()])
    })
  })
})
