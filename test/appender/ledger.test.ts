import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { close, configure, fileSink, flush, getLogger, ledger } from 'tracelane'
import type { AppenderLedger, AsyncAppenderOptions, SinkLedger } from '../../lib/appender'
import { counters, ledgerTold } from '../../lib/diagnostics'
import type { Level } from '../../lib/event'
import { tempFolder, until } from '../support'
import { accountedFor, Destination, type Line, linesIn, Subject } from './destination'
import { StillThreads } from './still-threads'

const ANNOUNCER = 'tracelane.appender'
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

/**
 * What the destination says, beside what the account says. Each line has its name (`instance`, `seq`), so what is there is counted without asking the code
 * under test.
 */
function expectTrue(account: SinkLedger, lines: readonly Line[], appended: readonly number[]): void {
  expect(accountedFor(account), JSON.stringify(account)).to.equal(account.entered)
  expect(new Set(lines.map(({ instance, seq }) => `${instance} ${seq}`)).size, 'each once').to.equal(lines.length)
  expect(lines.length, 'delivered').to.equal(account.delivered)
  const announcements = lines.filter(({ logger }) => logger === ANNOUNCER)
  const there = new Set(lines.map(({ seq }) => seq))
  const missing = appended.filter((seq) => !there.has(seq))
  expect(missing.length, 'missing').to.equal(account.discardedTotal + account.inFlight + account.rejected)
  const announced = announcements
    .flatMap(({ discarded }) => Object.values(discarded ?? {}))
    .reduce((sum, count) => sum + count, 0)
  expect(announced, 'announced').to.equal(account.discardedTotal)
  expect(account.entered).to.equal(appended.length + announcements.length)
  for (const { firstSeq = 0, lastSeq = 0, discarded, reasons } of announcements) {
    const inRange = missing.filter((seq) => seq >= firstSeq && seq <= lastSeq)
    const total = Object.values(discarded ?? {}).reduce((sum, count) => sum + count, 0)
    expect(inRange.length, 'in the range that is named').to.equal(total)
    expect([inRange[0], inRange.at(-1)]).to.deep.equal([firstSeq, lastSeq])
    expect(Object.values(reasons ?? {}).reduce((sum, count) => sum + count, 0)).to.equal(total)
  }
}

describe('the account of a sink', () => {
  const open: Subject[] = []

  afterEach(async () => {
    for (const { appender } of open.splice(0)) await appender.close()
  })

  function subjectOf(destination: { readonly sink: Destination['sink'] }, options: AsyncAppenderOptions): Subject {
    const subject = new Subject(destination, { appendTimeoutMs: 0, ...options })
    open.push(subject)
    return subject
  }

  function burst(subject: Subject, events: number): void {
    for (let i = 0; i < events; i++) {
      subject.append('x'.repeat((i * 31) % 300), LEVELS[i % 4])
    }
  }

  for (const thread of [true, false]) {
    for (const overflow of ['discard', 'drop-newest', 'sync'] as const) {
      const name = `${overflow}${thread ? '' : ', without a thread'}`

      it(`balances, and the destination agrees, when that is gone and comes back: ${name}`, async () => {
        const destination = new Destination(false)
        const subject = subjectOf(destination, {
          thread,
          overflow,
          queueBytes: 16_384,
          discardingThreshold: 0.2,
          maxFlushTimeMs: 20_000,
        })
        for (let spell = 0; spell < 3; spell++) {
          burst(subject, 300)
          if (spell === 0) {
            expect(accountedFor(subject.ledger)).to.equal(subject.ledger.entered)
            expect(subject.ledger.discardedTotal).to.be.greaterThan(100)
            destination.giveBack()
          }
          await subject.appender.flush(20_000)
          expectTrue(subject.ledger, destination.lines(), subject.appended)
        }
        await subject.appender.close()
        expectTrue(subject.ledger, destination.lines(), subject.appended)
        expect(subject.ledger).to.include({ inFlight: 0, queuedBytes: 0, lagMs: 0 })
      })
    }
  }

  it('balances, and the destination agrees, when flush threads are terminated again and again', async () => {
    const workers: Worker[] = []
    const note = (worker: Worker): number => workers.push(worker)
    process.on('worker', note)
    try {
      const destination = new Destination()
      const subject = subjectOf(destination, { queueBytes: 65_536, maxFlushTimeMs: 20_000 })
      for (let round = 0; round < 6; round++) {
        burst(subject, 1000)
        await until('a worker', () => workers.length > round)
        await workers.at(-1)?.terminate()
        expect(accountedFor(subject.ledger)).to.equal(subject.ledger.entered)
      }
      await subject.appender.close()
      const lines = destination.lines()
      const twice = lines.length - new Set(lines.map(({ seq }) => seq)).size
      expect(accountedFor(subject.ledger)).to.equal(subject.ledger.entered)
      expect(lines.length - twice, 'each at least once').to.equal(subject.ledger.delivered)
      expect(counters.flushThreadRestarts).to.be.at.least(5)
    } finally {
      process.removeListener('worker', note)
    }
  })

  for (const [what, msg] of [
    ['a batch', 'm'],
    ['a line outside of the ring', 'x'.repeat(40_000)],
  ] as const) {
    it(`balances, and the destination agrees, when a flush thread dies with the lock, trying to write ${what}`, async () => {
      const workers: Worker[] = []
      const note = (worker: Worker): number => workers.push(worker)
      process.on('worker', note)
      try {
        const destination = new Destination(false)
        const subject = subjectOf(destination, { queueBytes: 65_536, maxFlushTimeMs: 20_000 })
        for (let i = 0; i < 3; i++) subject.append(msg, 'warn')
        void subject.appender.flush(0)
        await until('a thread', () => workers.length > 0)
        // Until it runs, the thread that logs tries by itself.
        const before = subject.ledger.retried
        await until('a try of the flush thread', () => subject.ledger.retried > before + 1)
        await workers.at(-1)?.terminate()
        expect(accountedFor(subject.ledger)).to.equal(subject.ledger.entered)
        destination.giveBack()
        await subject.appender.close()
        expectTrue(subject.ledger, destination.lines(), subject.appended)
      } finally {
        process.removeListener('worker', note)
      }
    })
  }

  it('counts as rejected what a destination refuses for good, here a FIFO whose reader has gone', async () => {
    const fifo = join(tempFolder(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const subject = subjectOf({ sink: fileSink({ path: fifo }) }, { maxFlushTimeMs: 5000 })
    subject.append('read by nobody')
    await subject.appender.flush()
    expect(subject.ledger).to.include({ entered: 1, delivered: 1 })
    closeSync(reader)
    for (let i = 0; i < 5; i++) subject.append('m')
    expect(await subject.appender.flush()).to.deep.equal({ delivered: 1, discarded: 0, failed: 5, pending: 0 })
    expect(subject.ledger).to.include({ entered: 6, delivered: 1, rejected: 5, inFlight: 0 })
  })

  it('keeps in flight what a full device does not take, and counts the tries', async function () {
    if (!existsSync('/dev/full')) this.skip()
    const subject = subjectOf({ sink: fileSink({ path: '/dev/full' }) }, { maxFlushTimeMs: 100 })
    for (let i = 0; i < 10; i++) subject.append('m')
    await subject.appender.flush(0)
    const account = await until('a try', () => subject.ledger.retried > 0 && subject.ledger)
    expect(account).to.include({ entered: 10, delivered: 0, inFlight: 10, bytes: 0 })
    expect(account.retried).to.be.greaterThan(0)
    expect(account.lagMs).to.be.greaterThan(0)
    expect(account.queuedBytes).to.be.greaterThan(500)
    expect(account.highWaterBytes).to.equal(account.queuedBytes)
  })

  it('balances, and the destination agrees, when a disk was full and has room again', async function () {
    const disk = join(tempFolder(), 'disk')
    execFileSync('mkdir', [disk])
    const mount = spawn('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk], { stdio: 'ignore' })
    const [code] = (await once(mount, 'close')) as [number]
    if (code !== 0) this.skip()
    try {
      const destination = { path: join(disk, 'out.log'), sink: fileSink({ path: join(disk, 'out.log') }) }
      const subject = subjectOf(destination, { queueBytes: 65_536, maxFlushTimeMs: 20_000 })
      burst(subject, 1000)
      await until('the disk is full', () => subject.ledger.retried > 0)
      burst(subject, 1000)
      execFileSync('mount', ['-o', 'remount,size=4m', disk])
      await subject.appender.close()
      expectTrue(subject.ledger, linesIn(readFileSync(destination.path, 'utf8')), subject.appended)
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })

  it('counts bytes as the destination has them', async () => {
    const destination = new Destination()
    const subject = subjectOf(destination, {})
    for (let i = 0; i < 100; i++) subject.append('€😀'.repeat(i))
    await subject.appender.flush()
    const bytes = destination.lines().reduce((sum, line) => sum + Buffer.byteLength(`${JSON.stringify(line)}\n`), 0)
    expect(subject.ledger.bytes).to.equal(bytes)
    expect(subject.ledger.destination).to.equal(`the file ${destination.path}`)
  })

  it('says by reason and level what was discarded', () => {
    const threads = new StillThreads().start()
    try {
      const subject = subjectOf(new Destination(), { queueSize: 10, maxFlushTimeMs: 0 })
      for (let i = 0; i < 12; i++) subject.append('m', 'info')
      for (let i = 0; i < 4; i++) subject.append('m', 'error')
      expect(subject.ledger.discarded).to.deep.equal({ threshold: { info: 3 }, timeout: { error: 3 } })
    } finally {
      threads.stop()
    }
  })
})

describe('ledger()', () => {
  afterEach(() => close())

  it('gives the accounts of all appenders and sinks, and so does the channel at each flush', async () => {
    const [a, b] = [new Destination(), new Destination()]
    const heard: SinkLedger[][] = []
    const hear = (told: unknown): void => void heard.push(told as SinkLedger[])
    void configure({
      appenders: { first: { sinks: [a.sink, b.sink] }, second: { sinks: [b.sink] } },
      root: { appenders: ['first', 'second'] },
    } as never)
    ledgerTold.subscribe(hear)
    try {
      getLogger('x').info('m')
      await flush()
      const accounts: readonly AppenderLedger[] = ledger()
      expect(
        accounts.map(({ appender, sinks }) => [appender, sinks.map(({ destination, delivered }) => [destination, delivered])]),
      ).to.deep.equal([
        [
          'first',
          [
            [`the file ${a.path}`, 1],
            [`the file ${b.path}`, 1],
          ],
        ],
        ['second', [[`the file ${b.path}`, 1]]],
      ])
      expect(heard.map((sinks) => sinks.length).sort()).to.deep.equal([1, 2])
      expect(heard.flat().every(({ entered, delivered }) => entered === 1 && delivered === 1)).to.equal(true)
    } finally {
      ledgerTold.unsubscribe(hear)
    }
  })

  it('is empty when nothing was ever logged', async () => {
    await close()
    expect(ledger()).to.deep.equal([])
  })
})
