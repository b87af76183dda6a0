import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fileSink } from 'tracelane'
import { type AsyncAppenderOptions, type QueueFull, resolveAppenderOptions } from '../../lib/appender'
import { WORD } from '../../lib/appender/ring'
import { counters, queueFull } from '../../lib/diagnostics'
import { run, tempFolder, until } from '../support'
import { accountedFor, Destination, linesIn, Subject } from './destination'
import { StillThreads } from './still-threads'

const NUMBERS = Array.from({ length: 300 }, (_, i) => i)

describe('overflow', () => {
  const open: Subject[] = []

  afterEach(async () => {
    for (const { appender } of open.splice(0)) await appender.close()
  })

  function subjectOf(destination: { readonly sink: Destination['sink'] }, options?: AsyncAppenderOptions): Subject {
    const subject = new Subject(destination, options)
    open.push(subject)
    return subject
  }

  describe('with a flush thread that is dead', () => {
    let threads: StillThreads

    beforeEach(() => {
      threads = new StillThreads().start()
    })

    afterEach(() => {
      threads.stop()
    })

    for (const overflow of ['block', 'sync'] as const) {
      it(`${overflow}: the call writes the oldest batches itself, in order, and nothing is discarded`, () => {
        const destination = new Destination()
        const subject = subjectOf(destination, { overflow, queueBytes: 4096 })
        for (const i of NUMBERS) subject.append('x'.repeat(i), 'debug', { i })
        subject.appender.drain(1000)
        expect(destination.lines().map(({ i }) => i)).to.deep.equal(NUMBERS)
        expect(subject.ledger).to.include({ entered: 300, delivered: 300, discardedTotal: 0 })
      })
    }

    it('discard: waits once, not with each event', () => {
      const subject = subjectOf(new Destination(false), { queueBytes: 4096, appendTimeoutMs: 30, maxFlushTimeMs: 0 })
      for (const i of NUMBERS) subject.append('m', 'error', { i })
      const { discarded, blockedMs } = subject.ledger
      expect(discarded.timeout?.error).to.be.greaterThan(200)
      expect(blockedMs).to.be.within(29, 200)
    })

    it('drop-newest: discards any level at once, without waiting', () => {
      const subject = subjectOf(new Destination(false), { queueBytes: 4096, overflow: 'drop-newest', maxFlushTimeMs: 0 })
      for (const i of NUMBERS) subject.append('m', 'fatal', { i })
      const { discarded, discardedTotal, blockedMs } = subject.ledger
      expect(discarded).to.deep.equal({ full: { fatal: discardedTotal } })
      expect(discardedTotal).to.be.greaterThan(200)
      expect(blockedMs).to.equal(0)
    })
  })

  it('block: waits until a reader takes what waits, and loses nothing', async () => {
    const folder = tempFolder()
    const [fifo, out] = [join(folder, 'fifo'), join(folder, 'out')]
    execFileSync('mkfifo', [fifo])
    const reader = run('sh', ['-c', 'sleep 0.3; exec 3<>"$0"; head -n 300 <&3 > "$1"', fifo, out])
    const subject = subjectOf({ sink: fileSink({ path: fifo }) }, { overflow: 'block', queueBytes: 4096 })
    for (const i of NUMBERS) subject.append('€'.repeat(i), 'debug', { i })
    await subject.appender.close()
    await reader
    expect(linesIn(readFileSync(out, 'utf8')).map(({ i }) => i)).to.deep.equal(NUMBERS)
    expect(subject.ledger).to.include({ delivered: 300, discardedTotal: 0 })
    expect(subject.ledger.blockedMs).to.be.greaterThan(0)
  })

  it('block: lets in again what was discarded below a discardingThreshold of its own', () => {
    const subject = subjectOf(new Destination(false), {
      overflow: 'block',
      queueSize: 10,
      discardingThreshold: 0.5,
      maxFlushTimeMs: 0,
    })
    for (let i = 0; i < 10; i++) subject.append('m')
    expect(subject.ledger.discarded).to.deep.equal({ threshold: { info: 4 } })
  })

  it('neverBlock is drop-newest, and no other policy has it', () => {
    expect(resolveAppenderOptions({ neverBlock: true })).to.deep.equal(resolveAppenderOptions({ overflow: 'drop-newest' }))
    expect(resolveAppenderOptions({ neverBlock: false })).to.deep.equal(resolveAppenderOptions())
  })

  it('and neverBlock, both given, are an error that names both', () => {
    for (const neverBlock of [true, false]) {
      expect(() => resolveAppenderOptions({ neverBlock, overflow: 'drop-newest' })).to.throw(/neverBlock.*overflow/)
    }
  })

  it('reserves a fifth of the queue for warn and above, but not where every call waits', () => {
    const shares = (['discard', 'drop-newest', 'block', 'sync'] as const).map(
      (overflow) => resolveAppenderOptions({ overflow }).discardingThreshold,
    )
    expect(shares).to.deep.equal([0.2, 0.2, 0, 0])
  })

  describe('onFull', () => {
    /* Fills a queue that nobody empties. */
    function toldWhenFull(options: AsyncAppenderOptions, events: number, msg: string): { told: QueueFull[]; subject: Subject } {
      const told: QueueFull[] = []
      const full = {
        appendTimeoutMs: 0,
        maxFlushTimeMs: 0,
        thread: false,
        ...options,
        onFull: (one: QueueFull) => void told.push(one),
      }
      const subject = subjectOf(new Destination(false), full)
      for (let i = 0; i < events; i++) subject.append(msg)
      return { told, subject }
    }

    it('is told once for each spell, with the numbers, and so is the channel', async () => {
      const heard: unknown[] = []
      const hear = (full: unknown): void => void heard.push(full)
      queueFull.subscribe(hear)
      const told: QueueFull[] = []
      const destination = new Destination(false)
      const subject = subjectOf(destination, {
        queueSize: 8,
        thread: false,
        maxFlushTimeMs: 0,
        flushIntervalMs: 60_000,
        onFull: (one) => void told.push(one),
      })
      try {
        for (let i = 0; i < 30; i++) subject.append('m')
        expect(told).to.have.length(1)
        expect(told[0]).to.include({ destination: `the file ${destination.path}`, events: 8, cause: 'burst' })
        expect(told[0]?.bytes).to.equal(subject.ledger.queuedBytes)
        destination.giveBack()
        await subject.appender.flush(5000)
        destination.takeAway()
        for (let i = 0; i < 30; i++) subject.append('m')
        expect(told, 'a second spell').to.have.length(2)
        expect(heard).to.deep.equal(told)
      } finally {
        queueFull.unsubscribe(hear)
      }
    })

    it('is told once for each spell though nothing is discarded', () => {
      const threads = new StillThreads().start()
      try {
        const told: QueueFull[] = []
        const subject = subjectOf(new Destination(), {
          overflow: 'sync',
          queueBytes: 4096,
          maxFlushTimeMs: 0,
          onFull: (one) => void told.push(one),
        })
        for (let i = 0; i < 100; i++) subject.append('x'.repeat(300))
        expect(told).to.have.length(1)
        subject.appender.drain(1000)
        subject.append('x')
        void subject.appender.flush(0)
        for (let i = 0; i < 100; i++) subject.append('x'.repeat(300))
        expect(told).to.have.length(2)
      } finally {
        threads.stop()
      }
    })

    it('says that events are large', () => {
      const { told } = toldWhenFull({ queueBytes: 16_384, flushIntervalMs: 60_000 }, 20, 'x'.repeat(2000))
      expect(told.map(({ cause }) => cause)).to.deep.equal(['large-events'])
    })

    it('says that the destination is slow', async () => {
      const { told, subject } = toldWhenFull({ queueSize: 1000, flushIntervalMs: 1 }, 1, 'm')
      await until('the first batch has waited', () => subject.ledger.lagMs > 2)
      for (let i = 0; i < 1000; i++) subject.append('m')
      expect(told.map(({ cause }) => cause)).to.deep.equal(['slow-sink'])
    })

    it('does no harm when it throws, and is counted', () => {
      const before = counters.userCallbackErrors
      const subject = subjectOf(new Destination(false), {
        queueSize: 1,
        maxFlushTimeMs: 0,
        onFull: () => {
          throw new Error('of the application')
        },
      })
      for (let i = 0; i < 5; i++) subject.append('m')
      expect(counters.userCallbackErrors - before).to.equal(1)
      expect(subject.ledger).to.include({ entered: 5, inFlight: 1, discardedTotal: 4 })
    })

    it('may log, flush and close: nothing hangs, and the account balances', async () => {
      const subject = subjectOf(new Destination(false), {
        queueSize: 4,
        appendTimeoutMs: 20,
        maxFlushTimeMs: 50,
        onFull: () => {
          subject.append('from the listener', 'error')
          void subject.appender.flush()
          void subject.appender.close()
        },
      })
      const before = counters.eventsAfterClose
      for (let i = 0; i < 5; i++) subject.append('m', 'warn')
      expect(counters.eventsAfterClose).to.equal(before)
      subject.append('later')
      expect(counters.eventsAfterClose).to.equal(before + 1)
      expect(await subject.appender.close()).to.deep.equal({ delivered: 0, discarded: 2, failed: 0, pending: 4 })
      expect(accountedFor(subject.ledger)).to.equal(subject.ledger.entered)
    })
  })

  it('counts the time that calls have waited', () => {
    const subject = subjectOf(new Destination(false), { queueSize: 1, appendTimeoutMs: 40, maxFlushTimeMs: 0 })
    subject.append('takes the place', 'warn')
    expect(subject.ledger.blockedMs).to.equal(0)
    subject.append('waits in vain', 'warn')
    expect(subject.ledger.blockedMs).to.be.at.least(39)
  })

  describe('waitStrategy', () => {
    it('poll: nobody is woken for a batch', () => {
      const threads = new StillThreads().start()
      try {
        const bells = (['notify', 'poll'] as const).map((waitStrategy, i) => {
          const subject = subjectOf(new Destination(), { waitStrategy, queueSize: 8, maxFlushTimeMs: 0 })
          subject.append('a batch by itself')
          return threads.memories[i]?.words[WORD.bell]
        })
        expect(bells).to.deep.equal([1, 0])
      } finally {
        threads.stop()
      }
    })

    it('poll: the flush thread looks by itself', async () => {
      const destination = new Destination()
      const subject = subjectOf(destination, { waitStrategy: 'poll', flushIntervalMs: 5 })
      for (const i of NUMBERS) {
        subject.append('m', 'info', { i })
        if (i % 100 === 0) await until('written', () => subject.ledger.inFlight === 0)
      }
      await until('written', () => subject.ledger.inFlight === 0)
      expect(destination.lines().map(({ i }) => i)).to.deep.equal(NUMBERS)
    })
  })
})
