import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { close, configure, counters, fileSink, flush, getLogger, type LoggingOptions } from 'tracelane'
import type { SinkLedger } from '../../lib/appender'
import { RingHost } from '../../lib/appender/isolates/ring-host'
import { QueueMemory } from '../../lib/appender/ring'
import type { ToInbox } from '../../lib/appender/worker/protocol'
import { eventOf, heavy, jsonLinesOf, projectFile, runNode, tempFolder, until } from '../support'

const ISOLATE = projectFile('test/fixtures/appender/isolate.cjs')

interface Line {
  readonly who: number
  readonly i: number
  readonly msg: string
  readonly traceId: string
  readonly expected: string
  readonly seq: number
  readonly instance: string
}

interface Counts {
  readonly started: number
  readonly running: number
  readonly sinks: readonly SinkLedger[]
}

/** A worker thread that logs on demand. */
class Isolate {
  readonly worker: Worker

  constructor(path: string, who: number, options: LoggingOptions = {}, posted?: Int32Array) {
    this.worker = new Worker(ISOLATE, { workerData: { path, who, options, posted } })
  }

  async do<T = unknown>(what: string, more: object = {}): Promise<T> {
    this.worker.postMessage({ what, ...more })
    const [answer] = await eventOf(this.worker, 'message', 20_000)
    return answer as T
  }

  async end(): Promise<void> {
    this.worker.postMessage({ what: 'end' })
    await eventOf(this.worker, 'exit')
  }

  /** Waits until it has no flush thread of its own, and tells how many it has started. */
  async withoutThread(): Promise<number> {
    for (;;) {
      const { started, running } = await this.do<Counts>('counts')
      if (running === 0) return started
    }
  }
}

function linesOf(path: string, who: number): Line[] {
  return (jsonLinesOf(path) as unknown as Line[]).filter((line) => line.who === who)
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/* Nothing lost, nothing twice, in order, each with the trace that was current. */
function expectLines(path: string, who: number, count: number): void {
  const lines = linesOf(path, who)
  expect(lines.map(({ i }) => i)).to.deep.equal(numbers(count))
  expect(lines.filter(({ traceId, expected }) => traceId !== expected)).to.deep.equal([])
  expect(new Set(lines.map(({ instance }) => instance)).size).to.equal(1)
  expect(lines.map(({ seq }) => seq)).to.deep.equal(lines.map(({ seq }) => seq).sort((a, b) => a - b))
}

describe('isolates', function () {
  this.timeout(60_000)
  const log = getLogger('test.isolates')
  let path: string
  let isolates: Isolate[]
  let flushThreads: Worker[]
  const note = (worker: Worker): void => {
    if (!isolates.some((isolate) => isolate.worker === worker)) flushThreads.push(worker)
  }

  beforeEach(() => {
    path = join(tempFolder(), 'out.log')
    isolates = []
    flushThreads = []
    process.on('worker', note)
  })

  afterEach(async () => {
    process.removeListener('worker', note)
    await Promise.all(isolates.map(({ worker }) => worker.terminate()))
    await close()
  })

  function start(who: number, options?: LoggingOptions, posted?: Int32Array): Isolate {
    const isolate = new Isolate(path, who, options, posted)
    isolates.push(isolate)
    return isolate
  }

  /* The main thread logs, so its flush thread runs. */
  async function logHere(options: LoggingOptions = {}): Promise<void> {
    void configure({ sinks: [fileSink({ path })], ...options })
    log.info('first')
    await flush()
  }

  it('share one flush thread with the main thread, and lose nothing', async () => {
    await logHere()
    const three = [1, 2, 3].map((who) => start(who))
    const here = (async () => {
      for (let i = 0; i < 5000; i++) {
        log.info('line', { who: 0, i })
        if (i % 100 === 99) await new Promise(setImmediate)
      }
    })()
    await Promise.all([here, ...three.map((isolate) => isolate.do('log', { lines: 5000 }))])
    const results = await Promise.all(three.map((isolate) => isolate.do('flush')))
    await flush({ deadlineMs: 20_000 })
    for (const result of results) expect(result).to.deep.equal({ delivered: 5000, discarded: 0, failed: 0, pending: 0 })
    expect(linesOf(path, 0).map(({ i }) => i)).to.deep.equal(numbers(5000))
    for (const who of [1, 2, 3]) expectLines(path, who, 5000)
    const before = await Promise.all(three.map((isolate) => isolate.withoutThread()))
    await Promise.all(three.map((isolate) => isolate.do('log', { lines: 100 })))
    await Promise.all(three.map((isolate) => isolate.do('flush')))
    expect(await Promise.all(three.map((isolate) => isolate.withoutThread()))).to.deep.equal(before)
    for (const who of [1, 2, 3]) expectLines(path, who, 5100)
  })

  it('keep accounts of their own', async () => {
    await logHere()
    const isolate = start(1)
    await isolate.do('log', { lines: 500 })
    await isolate.do('flush')
    const { sinks } = await isolate.do<Counts>('counts')
    expect(sinks[0]).to.include({ entered: 500, delivered: 500, inFlight: 0, discardedTotal: 0, thread: true })
  })

  for (const busy of [false, true]) {
    it(`lose nothing that is in their ring when they are terminated${busy ? ' before the main thread has heard of them' : ''}`, async () => {
      const folder = join(path, '..', 'later')
      path = join(folder, 'out.log')
      writeFileSync(folder, 'a file where the folder should be')
      void configure({ sinks: [fileSink({ path })] })
      log.info('first')
      await flush({ deadlineMs: 50 })
      const posted = new Int32Array(new SharedArrayBuffer(4))
      const isolate = start(1, {}, posted)
      if (busy) Atomics.wait(posted, 0, 0, 20_000)
      else await until('the burst', () => Atomics.load(posted, 0) === 1)
      await isolate.worker.terminate()
      unlinkSync(folder)
      const lines = await until(
        'the lines',
        () => {
          try {
            const there = readFileSync(path, 'utf8').endsWith('\n') && linesOf(path, 1)
            return there !== false && there.length >= 5000 && there
          } catch {
            return false
          }
        },
        20_000,
      )
      expect(lines.map(({ i }) => i)).to.deep.equal(numbers(lines.length))
    })
  }

  it('lose nothing when the flush thread dies again and again', async () => {
    await logHere()
    const three = [1, 2, 3].map((who) => start(who))
    const restarts = counters.flushThreadRestarts
    const all = Promise.all(three.map((isolate) => isolate.do('log', { lines: 5000 })))
    for (let kill = 1; kill <= 3; kill++) {
      await until('a flush thread', () => flushThreads.length >= kill)
      await flushThreads.at(-1)?.terminate()
    }
    await all
    for (const isolate of three) expect(await isolate.do('flush')).to.include({ delivered: 5000, pending: 0 })
    expect(counters.flushThreadRestarts - restarts).to.be.at.least(3)
    // A batch that was written when its writer died before saying so is there twice.
    for (const who of [1, 2, 3]) expect([...new Set(linesOf(path, who).map(({ i }) => i))]).to.deep.equal(numbers(5000))
  })

  it('use a flush thread of their own while the main thread has none for their sink, and go over to it when it has', async () => {
    const isolate = start(1)
    await isolate.do('log', { lines: 100 })
    expect(await isolate.do('flush')).to.include({ delivered: 100 })
    expect(await isolate.do<Counts>('counts')).to.include({ started: 1, running: 1 })
    await logHere()
    expect(await isolate.withoutThread()).to.equal(1)
    await isolate.do('log', { lines: 100 })
    expect(await isolate.do('flush')).to.include({ delivered: 200 })
    await close()
    await isolate.do('log', { lines: 100 })
    expect(await isolate.do('flush')).to.include({ delivered: 300 })
    expect(await isolate.do<Counts>('counts')).to.include({ started: 2, running: 1 })
    expectLines(path, 1, 300)
  })

  it('have lines written that are larger than their ring', async () => {
    await logHere()
    const isolate = start(1, { queueBytes: 4096, overflow: 'block' })
    const text = 'ä'.repeat(50_000)
    for (let round = 0; round < 10; round++) {
      await isolate.do('log', { lines: 20 })
      await isolate.do('large', { text })
    }
    expect(await isolate.do('flush')).to.include({ delivered: 210, pending: 0 })
    expectLines(path, 1, 210)
    expect(linesOf(path, 1).filter(({ msg }) => msg === text)).to.have.length(10)
  })

  it('write what is left themselves when they end, and are let go', async () => {
    await logHere()
    const isolate = start(1)
    isolate.worker.postMessage({ what: 'log', lines: 2000 })
    isolate.worker.postMessage({ what: 'exit' })
    await eventOf(isolate.worker, 'exit')
    const { length } = linesOf(path, 1)
    expect(length).to.be.at.least(100)
    expectLines(path, 1, length)
  })

  it('are forgotten when they are gone, whether they said goodbye or not', async () => {
    const sent: ToInbox[] = []
    // Of a flush thread that never writes.
    const host = new RingHost(fileSink({ path }), QueueMemory.create(4096), (message) => sent.push(message), 20)
    const rounds = heavy ? 5 : 2
    for (let round = 0; round < rounds; round++) {
      const ten = numbers(10).map((who) => start(10 * round + who))
      await Promise.all(ten.map((isolate) => isolate.do('log', { lines: 10 })))
      await Promise.all(ten.map((isolate, i) => (i % 2 === 0 ? isolate.end() : isolate.worker.terminate())))
      // What those have left that were terminated.
      host.drain(Date.now() + 10_000)
    }
    await until('nothing is kept', () => host.size === 0)
    await host.close(0)
    const served = sent.flatMap((message) => ('serve' in message ? message.serve : []))
    expect(new Set(served).size).to.equal(10 * rounds)
    expect(sent.flatMap((message) => ('leave' in message ? message.leave : []))).to.have.members(served)
    for (const who of numbers(10 * rounds)) expectLines(path, who, 10)
  })

  it('have their rings written when the main thread calls process.exit()', async () => {
    const program = `
      const { Worker } = require('node:worker_threads')
      const { unlinkSync, writeFileSync } = require('node:fs')
      const { configure, fileSink, getLogger } = require('tracelane')
      const [folder] = process.argv.slice(1)
      const path = folder + '/out.log'
      writeFileSync(folder, '')
      void configure({ sinks: [fileSink({ path })] })
      getLogger('main').info('first')
      let left = 3
      for (const who of [1, 2, 3]) {
        const worker = new Worker(${JSON.stringify(ISOLATE)}, { workerData: { path, who } })
        worker.postMessage({ what: 'log', lines: 5000 })
        worker.once('message', () => {
          if (--left > 0) return
          unlinkSync(folder)
          process.exit(0)
        })
      }`
    const folder = join(tempFolder(), 'later')
    const { code, stderr } = await runNode(['-e', program, folder])
    expect(code, stderr).to.equal(0)
    for (const who of [1, 2, 3]) expectLines(join(folder, 'out.log'), who, 5000)
  })

  it('keep nothing alive', async () => {
    const program = `
      const { Worker } = require('node:worker_threads')
      const { configure, fileSink, getLogger } = require('tracelane')
      const [path] = process.argv.slice(1)
      void configure({ sinks: [fileSink({ path })] })
      getLogger('main').info('first')
      new Worker(${JSON.stringify(`
        const { configure, fileSink, getLogger } = require('tracelane')
        void configure({ sinks: [fileSink({ path: require('node:worker_threads').workerData })] })
        getLogger('isolate').info('second')`)}, { eval: true, workerData: path })`
    const { code, stderr } = await runNode(['-e', program, path], { deadlineMs: 20_000 })
    expect(code, stderr).to.equal(0)
    expect(jsonLinesOf(path).map(({ msg }) => msg)).to.have.members(['first', 'second'])
  })
})
