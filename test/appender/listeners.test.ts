import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, fileSink, flush, getLogger, withTask } from 'tracelane'
import { type AsyncAppenderOptions, type FlushResult, resolveAppenderOptions } from '../../lib/appender'
import { threadDenied } from '../../lib/diagnostics'
import type { TaskEnd } from '../../lib/event'
import { run, tempFolder } from '../support'
import { Destination, Subject } from './destination'

describe('listeners of an appender', () => {
  it('onFlush is told what each flush and close came to', async () => {
    const told: FlushResult[] = []
    const subject = new Subject(new Destination(), { onFlush: (result) => void told.push(result) })
    subject.append('m')
    const first = await subject.appender.flush()
    subject.append('m')
    const last = await subject.appender.close()
    expect(told).to.deep.equal([first, last])
    expect(last).to.deep.equal({ delivered: 2, discarded: 0, failed: 0, pending: 0 })
  })

  it('onTaskEnd is told of each task, when its lines are handed over', async () => {
    const destination = new Destination()
    const told: { readonly end: TaskEnd; readonly lines: number }[] = []
    void configure({
      sinks: [destination.sink],
      thread: false,
      flushIntervalMs: 60_000,
      onTaskEnd: (end) => void told.push({ end, lines: destination.lines().filter(({ msg }) => msg === 'of the task').length }),
    })
    try {
      await withTask({ task: 'job-1' }, () => {
        getLogger('x').info('of the task')
        return Promise.resolve()
      })
      expect(told).to.have.length(1)
      expect(told[0]?.lines).to.equal(1)
    } finally {
      await close()
    }
  })
})

describe('thread', () => {
  const { AWS_LAMBDA_FUNCTION_NAME: before } = process.env

  afterEach(async () => {
    if (before === undefined) delete process.env['AWS_LAMBDA_FUNCTION_NAME']
    else process.env['AWS_LAMBDA_FUNCTION_NAME'] = before
    await close()
  })

  it('auto: none where the process is frozen between calls, and the channel says why', async () => {
    process.env['AWS_LAMBDA_FUNCTION_NAME'] = 'of-a-test'
    const heard: unknown[] = []
    const hear = (denied: unknown): void => void heard.push(denied)
    threadDenied.subscribe(hear)
    try {
      for (const thread of [undefined, 'auto', true, false] as const) {
        const subject = new Subject(new Destination(), thread === undefined ? {} : { thread })
        subject.append('m')
        await subject.appender.flush()
        expect(subject.ledger.thread).to.equal(thread === true)
        await subject.appender.close()
      }
      const denied = { sink: 'file', reason: 'the process is frozen between calls (AWS Lambda)' }
      expect(heard).to.deep.equal([denied, denied])
    } finally {
      threadDenied.unsubscribe(hear)
    }
  })

  it('auto: none where only one CPU may be used', async function () {
    if (process.platform !== 'linux' || availableParallelism() < 2) this.skip()
    const program = `
      const { configure, fileSink, flush, getLogger, ledger } = require('tracelane')
      configure({ sinks: [fileSink({ path: process.argv[1] })] })
      getLogger('x').info('m')
      flush().then(() => console.log(ledger()[0].sinks[0].thread))`
    const args = [process.execPath, '-e', program, join(tempFolder(), 'out.log')]
    expect((await run('taskset', ['-c', '0', ...args])).stdout).to.equal('false\n')
    const [node = '', ...rest] = args
    expect((await run(node, rest)).stdout).to.equal('true\n')
  })
})

describe('drainOnSignals', () => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  const counts = (): number[] => signals.map((signal) => process.listenerCount(signal))

  for (const [drainOnSignals, more] of [
    [true, 1],
    [false, 0],
  ] as const) {
    it(`${drainOnSignals}: ${more === 0 ? 'nobody' : 'the kit'} listens to signals`, async () => {
      const before = counts()
      const subject = new Subject(new Destination(), { drainOnSignals })
      expect(counts()).to.deep.equal(before.map((count) => count + more))
      await subject.appender.close()
      expect(counts()).to.deep.equal(before)
    })
  }
})

describe('maxFlushTimeMs', () => {
  const stuck: AsyncAppenderOptions = { maxFlushTimeMs: 60 }

  it('bounds a close() whose destination is stuck, and what is left is said', async () => {
    const subject = new Subject(new Destination(false), stuck)
    for (let i = 0; i < 10; i++) subject.append('m')
    expect(await subject.appender.close()).to.deep.equal({ delivered: 0, discarded: 0, failed: 0, pending: 10 })
  })

  it('bounds a close() whose FIFO nobody reads', async () => {
    const fifo = join(tempFolder(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const subject = new Subject({ sink: fileSink({ path: fifo }) }, stuck)
    subject.append('m')
    expect(await subject.appender.close()).to.include({ pending: 1 })
  })

  it('is a second by default', () => {
    expect(resolveAppenderOptions().maxFlushTimeMs).to.equal(1000)
  })

  it('ends a flush() at its deadline with counts, and the next one goes on', async () => {
    const destination = new Destination(false)
    void configure({ sinks: [destination.sink] })
    getLogger('x').info('m')
    expect(await flush({ deadlineMs: 20 })).to.include({ delivered: 0, pending: 1 })
    destination.giveBack()
    expect(await flush({ deadlineMs: 10_000 })).to.include({ delivered: 1, pending: 0 })
    await close()
  })
})
