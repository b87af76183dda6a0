import { expect } from 'chai'
import { fileSink } from 'tracelane'
import { AsyncAppender, type AsyncAppenderOptions, type SinkLedger } from '../../lib/appender'
import { FRAME, type Frame, QueueMemory, ROW, TRACE_ID_BYTES, WORD } from '../../lib/appender/ring'
import { captureEvent, type Level, type LogEvent } from '../../lib/event'
import { accountedFor } from './destination'
import { StillThreads } from './still-threads'

/* What a frame says of each event without its line being parsed, and what the line says. */
interface Said {
  readonly seq: number
  readonly trace: string | undefined
  readonly line: { readonly seq: number; readonly traceId?: string; readonly msg: string }
}

function saidIn(frame: Frame): Said[] {
  const { rows, rowWords, events, firstSeq, dictionary } = frame
  const text = frame.text.toString()
  let from = 0
  return Array.from({ length: events }, (_, i) => {
    const at = i * rowWords
    const line = text.slice(from, from + (rows[at + ROW.length] as number))
    from += line.length
    const trace = rows[at + ROW.trace] as number
    const id = dictionary.toString('latin1', trace * TRACE_ID_BYTES, (trace + 1) * TRACE_ID_BYTES)
    const { 'tracelane.seq': seq, 'trace.id': traceId, message: msg } = JSON.parse(line)
    return { seq: firstSeq + (rows[at + ROW.seq] as number), trace: trace < 0 ? undefined : id, line: { seq, traceId, msg } }
  })
}

function idOf(n: number): string {
  return n.toString(16).padStart(TRACE_ID_BYTES, 'a')
}

describe('the frames of a queue', () => {
  let threads: StillThreads
  const open: AsyncAppender[] = []
  let appender: AsyncAppender
  let seq: number

  beforeEach(() => {
    threads = new StillThreads().start()
    seq = 1000
  })

  afterEach(async () => {
    await Promise.all(open.map((each) => each.close()))
    open.length = 0
    threads.stop()
  })

  /* Of finished lines: what the rows of captured events say is in test/layout/captured.test.ts. */
  function start(options: AsyncAppenderOptions): void {
    appender = new AsyncAppender(
      [fileSink({ path: 'never-opened.log', layout: 'ecs' })],
      { service: undefined },
      { maxFlushTimeMs: 0, ...options },
    )
    open.push(appender)
  }

  function append(msg: string, level: Level = 'info', trace?: number, fields?: LogEvent['fields']): void {
    const event = captureEvent(undefined, { level, logger: 'x', msg, fields })
    appender.append({ ...event, traceId: trace === undefined ? undefined : idOf(trace), spanId: undefined }, ++seq)
  }

  function ledger(): SinkLedger {
    return appender.ledger()[0] as SinkLedger
  }

  function expectTrue(frames: readonly Frame[]): Said[] {
    const said = frames.filter(({ kind }) => kind === FRAME.lines).flatMap(saidIn)
    for (const one of said) {
      expect(one.seq, one.line.msg).to.equal(one.line.seq)
      expect(one.trace, one.line.msg).to.equal(one.line.traceId)
    }
    return said
  }

  it('say the seq and the trace of each event as its line does', () => {
    start({})
    for (let i = 0; i < 5000; i++) append(`line ${i}`, 'info', i % 3 === 0 ? undefined : i % 50)
    append('the last', 'info', 3)
    void appender.flush(0)
    expect(expectTrue(threads.takeAll())).to.have.length(5001)
  })

  for (const queueBytes of [4096, 16_384]) {
    it(`say them too when a batch had to be handed over for the event that came next: ${queueBytes}`, () => {
      start({ queueBytes, discardingThreshold: 0, appendTimeoutMs: 0 })
      const taken: Frame[] = []
      for (let i = 0; i < 1000; i++) {
        append('x'.repeat((i * 37) % 900), 'info', i % 7)
        if (i % 5 === 4) taken.push(...threads.takeAll())
      }
      void appender.flush(0)
      taken.push(...threads.takeAll())
      const said = expectTrue(taken)
      expect(said.length).to.equal(ledger().delivered).and.to.be.greaterThan(700)
      expect(taken.length).to.be.greaterThan(20)
    })
  }

  it('say them too when a listener logs while an event waits', () => {
    let told = 0
    start({
      queueSize: 16,
      overflow: 'drop-newest',
      discardingThreshold: 0,
      onFull: () => {
        told++
        threads.take()
        threads.take()
        append('from the listener', 'warn', 77)
      },
    })
    const taken: Frame[] = []
    for (let i = 0; i < 200; i++) append(`line ${i}`, 'warn', i % 5)
    taken.push(...threads.takeAll())
    append('after', 'warn', 1)
    void appender.flush(0)
    taken.push(...threads.takeAll())
    expect(told).to.be.greaterThan(0)
    expect(expectTrue(taken).length).to.be.greaterThan(10)
  })

  it('have what a getter logs before the line that it is part of', () => {
    start({})
    append('outer', 'info', 1, {
      get nested() {
        append('inner', 'info', 2)
        void appender.flush(0)
        return 'yes'
      },
    })
    void appender.flush(0)
    expect(expectTrue(threads.takeAll()).map(({ line }) => line.msg)).to.deep.equal(['inner', 'outer'])
  })

  it('are not larger than a batch when a getter logs very much', () => {
    start({ queueBytes: 2 ** 20, discardingThreshold: 0, appendTimeoutMs: 0 })
    append('outer', 'info', 1, {
      get nested() {
        for (let i = 0; i < 20_000; i++) append('x'.repeat(100), 'info', i % 100)
        return 'yes'
      },
    })
    void appender.flush(0)
    expect(ledger().discarded, 'forfeited').to.not.have.property('full')
    expect(ledger().queuedBytes).to.be.at.most(2 ** 20)
    const frames = threads.takeAll()
    expectTrue(frames)
    for (const { size } of frames) expect(size).to.be.at.most(2 ** 18)
  })

  it('leave no room for the announcement of a loss that would take the place of the next event', () => {
    start({ queueSize: 4, overflow: 'drop-newest', discardingThreshold: 0 })
    for (let i = 0; i < 5; i++) append(`${i}`)
    expect(ledger()).to.include({ inFlight: 4, discardedTotal: 1 })
    threads.take()
    append('5')
    expect(ledger()).to.include({ inFlight: 4, discardedTotal: 1, entered: 6 })
    threads.take()
    threads.take()
    append('6')
    expect(ledger()).to.include({ inFlight: 4, discardedTotal: 1, entered: 8 })
    const lines = threads.takeAll().flatMap(saidIn)
    expect(lines.map(({ line }) => line.msg)).to.deep.equal(['3', '5', '1 events were discarded because the queue was full', '6'])
  })

  it('never have to be given up, whatever is resolved when', async () => {
    for (let round = 0; round < 36; round++) {
      const queue = threads.memories.length
      const queueBytes = [4096, 8192, 20_000][round % 3] as number
      start({ queueBytes, queueSize: 1 + ((round * 13) % 90), appendTimeoutMs: 0, discardingThreshold: (round % 4) / 4 })
      for (let i = 0; i < 400; i++) {
        const unit = ['x', 'é', '€', '\u0001'][(i + round) % 4] as string
        append(unit.repeat((i * (round + 3) * 31) % 1200), i % 4 === 0 ? 'warn' : 'info', i % 9)
        if ((i * 7 + round) % 5 === 0) threads.take(queue)
        const { queuedBytes, inFlight } = ledger()
        if (inFlight > 1) expect(queuedBytes).to.be.at.most(queueBytes)
        expect(inFlight).to.be.at.most(1 + ((round * 13) % 90))
      }
      const account = ledger()
      expect(account.discarded, 'forfeited').to.not.have.property('full')
      expect(accountedFor(account)).to.equal(account.entered)
      expectTrue(threads.takeAll(queue))
      await appender.close()
    }
  })

  it('are counted rightly when positions and numbers wrap around', () => {
    const { create } = QueueMemory
    QueueMemory.create = (bytes) => {
      const memory = create(bytes)
      memory.words[WORD.head] = 2 ** 31 - 2048
      memory.words[WORD.tail] = 2 ** 31 - 2048
      memory.words[WORD.resolvedEvents] = 2 ** 31 - 20
      return memory
    }
    try {
      start({ queueBytes: 4096, queueSize: 10, discardingThreshold: 0, appendTimeoutMs: 0 })
      for (let i = 0; i < 500; i++) {
        append(`line ${i}`)
        if (i % 8 === 7) expectTrue(threads.takeAll())
        expect(ledger()).to.include({ inFlight: i % 8 === 7 ? 0 : (i % 8) + 1, discardedTotal: 0 })
      }
      for (let i = 0; i < 20; i++) append('more', 'warn')
      expect(ledger()).to.include({ inFlight: 10, discardedTotal: 14 })
    } finally {
      QueueMemory.create = create
    }
  })
})
