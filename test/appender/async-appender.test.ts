import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import {
  close,
  configure,
  counters,
  currentTraceId,
  fileSink,
  flush,
  getLogger,
  type LoggingOptions,
  mdc,
  runWithTrace,
} from 'tracelane'
import { AsyncAppender } from '../../lib/appender'
import { captureEvent } from '../../lib/event'
import { runNode, tempFolder, until } from '../support'

interface Line {
  readonly level: string
  readonly msg: string
  readonly traceId?: string
  readonly seq: number
  readonly user?: number
  readonly i?: number
  readonly discarded?: Record<string, number>
}

const log = getLogger('test.appender')

function linesOf(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines.pop(), 'the last line is whole').to.equal('')
  return lines.map((line) => JSON.parse(line) as Line)
}

describe('AsyncAppender', () => {
  let path: string

  function logTo(options: LoggingOptions = {}): void {
    path = join(tempFolder(), 'out.log')
    void configure({ level: 'debug', sinks: [fileSink({ path })], ...options })
  }

  afterEach(async () => {
    await close()
  })

  for (const thread of [true, false]) {
    describe(thread ? 'with a flush thread' : 'without a thread', () => {
      it('writes each line with the trace of the flow that logged it, whoever causes the flush', async () => {
        logTo({ thread })
        const ids = await interleave(100, 100)
        await flush()
        const lines = linesOf(path)
        expect(lines).to.have.length(10_000)
        expect(lines.filter(({ user = -1, traceId }) => traceId !== ids[user])).to.deep.equal([])
        expect(new Set(lines.map(({ seq }) => seq)).size).to.equal(10_000)
      })

      it('says in flush() how many events were delivered', async () => {
        logTo({ thread })
        for (let i = 0; i < 500; i++) log.info('line', { i })
        expect(await flush()).to.deep.equal({ delivered: 500, discarded: 0, failed: 0, pending: 0 })
        expect(await flush()).to.deep.equal({ delivered: 500, discarded: 0, failed: 0, pending: 0 })
      })

      it('keeps the order of a burst that is larger than many batches', async () => {
        logTo({ thread, queueBytes: 64 * 2 ** 20 })
        for (let i = 0; i < 20_000; i++) log.info('a line of a burst', { i })
        await flush({ deadlineMs: 10_000 })
        expect(linesOf(path).map(({ i }) => i)).to.deep.equal(Array.from({ length: 20_000 }, (_, i) => i))
      })

      it('goes on in the middle of a character after a drain that had to stop there', async () => {
        const fifo = join(tempFolder(), 'fifo')
        execFileSync('mkfifo', [fifo])
        const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
        const appender = new AsyncAppender([fileSink({ path: fifo })], { service: undefined }, { thread })
        for (let i = 0; i < 1000; i++) {
          const msg = '€'.repeat(100)
          appender.append(captureEvent(undefined, { level: 'info', logger: 'x', msg, fields: { i } }), i)
        }
        expect(appender.drain(60)).to.be.greaterThan(0)
        const lines = await readLines(reader, 1000)
        await appender.close()
        closeSync(reader)
        expect(lines.map(({ i }) => i)).to.deep.equal(Array.from({ length: 1000 }, (_, i) => i))
        expect(lines.filter(({ msg }) => msg !== '€'.repeat(100))).to.deep.equal([])
      })

      it('goes on without being asked when a destination that was not there appears, and counts its tries', async () => {
        const folder = join(tempFolder(), 'later')
        writeFileSync(folder, '')
        path = join(folder, 'out.log')
        void configure({ thread, sinks: [fileSink({ path })] })
        const before = counters.writesRetried
        log.info('first')
        await until('a retry', () => counters.writesRetried > before)
        unlinkSync(folder)
        await until('the line', () => {
          try {
            return linesOf(path).length === 1
          } catch {
            return false
          }
        })
      })

      it('makes the file anew when somebody has removed it and its folder', async () => {
        const folder = join(tempFolder(), 'logs')
        path = join(folder, 'out.log')
        void configure({ thread, sinks: [fileSink({ path })] })
        log.info('before')
        await flush()
        rmSync(folder, { recursive: true })
        log.info('after')
        await flush()
        expect(linesOf(path).map(({ msg }) => msg)).to.deep.equal(['after'])
      })

      it('goes on trying when the folder of its file has become a file, and writes when that is gone', async () => {
        const folder = join(tempFolder(), 'logs')
        path = join(folder, 'out.log')
        void configure({ thread, sinks: [fileSink({ path })] })
        log.info('before')
        await flush()
        rmSync(folder, { recursive: true })
        writeFileSync(folder, '')
        log.info('after')
        expect((await flush({ deadlineMs: 50 })).pending).to.equal(1)
        unlinkSync(folder)
        expect((await flush({ deadlineMs: 10_000 })).pending).to.equal(0)
        expect(linesOf(path).map(({ msg }) => msg)).to.deep.equal(['after'])
      })

      it('takes an event that is larger than the whole queue', async () => {
        logTo({ thread, queueBytes: 4096 })
        log.info('x'.repeat(100_000))
        await flush()
        expect(linesOf(path)[0]?.msg).to.have.length(100_000)
      })
    })
  }

  describe('append()', () => {
    it('discards info and below when a fifth of the queue is left, keeps warn, counts the loss and announces it where it happened', async () => {
      const folder = join(tempFolder(), 'not-yet')
      path = join(folder, 'out.log')
      writeFileSync(folder, 'a file where the folder should be')
      void configure({ sinks: [fileSink({ path })], queueBytes: 16_384, appendTimeoutMs: 0 })
      const before = counters.eventsDiscarded
      for (let i = 0; i < 200; i++) log.info('filler', { i })
      const discarded = counters.eventsDiscarded - before
      expect(discarded).to.be.within(100, 190)
      log.warn('kept')
      expect(counters.eventsDiscarded - before).to.equal(discarded)
      unlinkSync(folder)
      await flush({ deadlineMs: 10_000 })
      log.info('after the spell')
      const result = await flush()
      const lines = linesOf(path)
      expect(lines.map(({ msg }) => msg).slice(-3)).to.deep.equal([
        `${discarded} events were discarded because the queue was full`,
        'kept',
        'after the spell',
      ])
      expect(lines.at(-3)?.discarded).to.deep.equal({ info: discarded })
      expect(result).to.deep.equal({ delivered: 200 - discarded + 3, discarded, failed: 0, pending: 0 })
    })

    it('announces what was discarded at the next flush, if nothing more is logged', async () => {
      const folder = join(tempFolder(), 'not-yet')
      writeFileSync(folder, '')
      path = join(folder, 'out.log')
      void configure({ queueBytes: 4096, appendTimeoutMs: 0, sinks: [fileSink({ path })] })
      for (let i = 0; i < 100; i++) log.info('filler', { i })
      unlinkSync(folder)
      const { delivered, discarded } = await flush({ deadlineMs: 10_000 })
      const lines = linesOf(path)
      expect(lines.at(-1)?.msg).to.equal(`${discarded} events were discarded because the queue was full`)
      expect(lines)
        .to.have.length(delivered)
        .and.to.have.length(100 - discarded + 1)
    })

    it('waits for room at most appendTimeoutMs from level warn on, then discards and counts', async () => {
      const folder = join(tempFolder(), 'not-yet')
      writeFileSync(folder, '')
      void configure({
        sinks: [fileSink({ path: join(folder, 'out.log') })],
        queueBytes: 4096,
        appendTimeoutMs: 30,
        maxFlushTimeMs: 0,
      })
      const before = counters.eventsDiscarded
      for (let i = 0; i < 40 && counters.eventsDiscarded === before; i++) log.error('no room for this for ever')
      expect(counters.eventsDiscarded - before).to.equal(1)
    })

    it('counts an event that comes after close()', async () => {
      logTo()
      const appender = new AsyncAppender([fileSink({ path })], { service: undefined })
      const event = captureEvent(undefined, { level: 'info', logger: 'x', msg: 'm' })
      appender.append(event, 1)
      expect(await appender.close()).to.deep.equal({ delivered: 1, discarded: 0, failed: 0, pending: 0 })
      const before = counters.eventsAfterClose
      appender.append(event, 2)
      expect(counters.eventsAfterClose - before).to.equal(1)
      expect(await appender.close()).to.deep.equal({ delivered: 1, discarded: 0, failed: 0, pending: 0 })
    })
  })

  it('writes a file by itself until the flush thread runs, so that little of a burst is in memory only', async () => {
    logTo()
    for (let i = 0; i < 5000; i++) log.info('a line of a burst', { i })
    const written = linesOf(path).length
    expect(written).to.be.greaterThan(4000)
    expect((await flush()).delivered).to.equal(5000)
    expect(linesOf(path).map(({ i }) => i)).to.deep.equal(Array.from({ length: 5000 }, (_, i) => i))
  })

  it('restarts a flush thread that died, and loses nothing', async () => {
    const workers: Worker[] = []
    const note = (worker: Worker): number => workers.push(worker)
    process.on('worker', note)
    try {
      logTo()
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 1000; i++) log.info('line', { i: round * 1000 + i })
        await until('a worker', () => workers.length > round)
        await workers.at(-1)?.terminate()
      }
      const { delivered, pending } = await flush({ deadlineMs: 10_000 })
      expect({ delivered, pending }).to.deep.equal({ delivered: 5000, pending: 0 })
      const written = linesOf(path).map(({ i }) => i)
      expect(new Set(written).size).to.equal(5000)
      expect(counters.flushThreadRestarts).to.be.at.least(4)
    } finally {
      process.removeListener('worker', note)
    }
  })

  it('tries again later when the system has no thread to replace one that died', async () => {
    const threads = process.getBuiltinModule('node:worker_threads') as { Worker: unknown }
    const { Worker: real } = threads
    const workers: Worker[] = []
    const note = (worker: Worker): number => workers.push(worker)
    process.on('worker', note)
    try {
      // Until there is a thread again, a file would be written by the thread that logs: its folder is not there yet.
      const folder = join(tempFolder(), 'later')
      writeFileSync(folder, '')
      void configure({ sinks: [fileSink({ path: join(folder, 'out.log') })] })
      log.info('before')
      await until('a thread', () => workers.length > 0)
      let refused = 0
      threads.Worker = class NoThread {
        constructor() {
          if (++refused === 2) threads.Worker = real
          throw new Error('no thread to give')
        }
      }
      await workers.at(-1)?.terminate()
      log.info('after')
      await until('a second try', () => refused === 2)
      unlinkSync(folder)
      expect(await flush({ deadlineMs: 10_000 })).to.include({ delivered: 2, pending: 0 })
    } finally {
      threads.Worker = real
      process.removeListener('worker', note)
    }
  })

  it('keeps nothing alive of the flow that logged first', async () => {
    const program = `
      const { AsyncLocalStorage } = require('node:async_hooks')
      const { getLogger } = require('tracelane')
      const storage = new AsyncLocalStorage()
      let request = {}
      const kept = new WeakRef(request)
      storage.run(request, () => getLogger('x').info('first'))
      request = undefined
      setTimeout(() => {
        gc()
        console.error(kept.deref() === undefined ? 'let go' : 'kept')
      }, 100)`
    const { stderr } = await runNode(['--expose-gc', '-e', program])
    expect(stderr.trim()).to.equal('let go')
  })

  it('goes on by itself when a destination that was not there appears', async () => {
    const folder = join(tempFolder(), 'later')
    path = join(folder, 'out.log')
    writeFileSync(folder, '')
    void configure({ sinks: [fileSink({ path })] })
    log.info('first')
    expect(await flush({ deadlineMs: 100 })).to.include({ delivered: 0, pending: 1 })
    unlinkSync(folder)
    expect(await flush({ deadlineMs: 10_000 })).to.include({ delivered: 1, pending: 0 })
    expect(linesOf(path).map(({ msg }) => msg)).to.deep.equal(['first'])
  })

  it('writes to several sinks, each with its own queue', async () => {
    const folder = tempFolder()
    const paths = [join(folder, 'a.log'), join(folder, 'b.log')]
    void configure({ sinks: paths.map((each) => fileSink({ path: each })) })
    log.info('both')
    await flush()
    const [a, b] = paths.map((each) => linesOf(each)[0])
    expect(a?.msg).to.equal('both')
    expect(a).to.deep.equal(b)
  })
})

/** Reads whole lines from a descriptor that does not block, until there are `count`. */
async function readLines(fd: number, count: number): Promise<Line[]> {
  const buffer = Buffer.alloc(65_536)
  const chunks: Buffer[] = []
  const read = (): boolean => {
    try {
      chunks.push(Buffer.from(buffer.subarray(0, readSync(fd, buffer))))
      return true
    } catch {
      return false // EAGAIN: nothing there yet
    }
  }
  const text = await until(`${count} lines`, () => {
    while (read());
    const all = Buffer.concat(chunks).toString()
    return all.split('\n').length > count && all
  })
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** `users` flows at once, `lines` lines each, with other flows in between; resolves with the trace id of each user. */
async function interleave(users: number, lines: number): Promise<string[]> {
  const ids: string[] = []
  const flows = Array.from({ length: users }, (_, user) =>
    runWithTrace(async () => {
      ids[user] = currentTraceId() as string
      mdc.put('user', user)
      for (let i = 0; i < lines; i++) {
        log.info('step', { i, user })
        if (i % 7 === user % 7) await new Promise((resolve) => setImmediate(resolve))
      }
    }),
  )
  await Promise.all(flows)
  return ids
}
