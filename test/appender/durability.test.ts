import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { configure, consoleSink, fileSink, type Level } from 'tracelane'
import type { AsyncAppenderOptions } from '../../lib/appender'
import { projectFile, runNode, tempFolder } from '../support'
import { Destination, linesIn, Subject } from './destination'
import { StillThreads } from './still-threads'

const program = projectFile('test/fixtures/appender/killed.cjs')

describe('durability', () => {
  const open: Subject[] = []

  afterEach(async () => {
    for (const { appender } of open.splice(0)) await appender.close()
  })

  function subjectOf(destination: { readonly sink: Destination['sink'] }, options: AsyncAppenderOptions): Subject {
    const subject = new Subject(destination, options)
    open.push(subject)
    return subject
  }

  for (const [name, level, options] of [
    ['os for all levels', 'debug', { durability: 'os' }],
    ['os for warn', 'warn', { durability: { warn: 'os' } }],
    ['os without a thread', 'warn', { durability: { warn: 'os' }, thread: false }],
    ['os, though nobody is woken for batches', 'warn', { durability: 'os', waitStrategy: 'poll', flushIntervalMs: 60_000 }],
    ['disk for error', 'error', { durability: { error: 'disk' } }],
  ] as const) {
    it(`${name}: a process that dies by SIGKILL when the call returns has left the line`, async () => {
      for (let round = 0; round < 3; round++) {
        const file = join(tempFolder(), 'out.log')
        const patient = { ...options, appendTimeoutMs: 10_000 }
        const { signal, stderr } = await runNode([program, file, level, JSON.stringify(patient)])
        expect(signal, stderr).to.equal('SIGKILL')
        expect(linesIn(readFileSync(file, 'utf8')).map(({ msg }) => msg)).to.deep.equal(['the last words'])
      }
    })
  }

  for (const durability of ['os', 'disk'] as const) {
    it(`${durability} with a file that rolls: a process that dies by SIGKILL when the call returns has left the line`, async () => {
      const file = join(tempFolder(), 'out.log')
      const options = JSON.stringify({ durability, appendTimeoutMs: 10_000 })
      const { signal, stderr } = await runNode([program, file, 'warn', options, 'rollingFileSink'])
      expect({ signal, stderr }).to.deep.equal({ signal: 'SIGKILL', stderr: '' })
      expect(linesIn(readFileSync(file, 'utf8')).map(({ msg }) => msg)).to.deep.equal(['the last words'])
    })
  }

  it('waits for the levels that are named only', () => {
    const threads = new StillThreads().start()
    try {
      const subject = subjectOf(new Destination(), {
        durability: { warn: 'os', info: 'none' },
        appendTimeoutMs: 0,
        maxFlushTimeMs: 0,
      })
      for (const level of ['debug', 'info', 'error'] as Level[]) subject.append('m', level)
      expect(subject.ledger.durabilityMissed).to.equal(0)
      expect(threads.take(), 'handed over').to.equal(undefined)
      subject.append('m', 'warn')
      expect(subject.ledger.durabilityMissed).to.equal(1)
      expect(threads.take()?.events).to.equal(4)
    } finally {
      threads.stop()
    }
  })

  it('waits at most appendTimeoutMs, and counts the miss', () => {
    const subject = subjectOf(new Destination(false), { durability: 'os', appendTimeoutMs: 30, maxFlushTimeMs: 0 })
    subject.append('m')
    expect(subject.ledger.durabilityMissed).to.equal(1)
    expect(subject.ledger.blockedMs).to.be.within(29, 1000)
  })

  it('counts as missed what was discarded', () => {
    const subject = subjectOf(new Destination(false), { durability: 'os', queueSize: 1, appendTimeoutMs: 0, maxFlushTimeMs: 0 })
    for (let i = 0; i < 3; i++) subject.append('m')
    expect(subject.ledger).to.include({ discardedTotal: 2, durabilityMissed: 3 })
  })

  it('disk: counts as missed what no disk can keep', () => {
    const fifo = join(tempFolder(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    const options = { appendTimeoutMs: 5000 }
    const subject = subjectOf({ sink: fileSink({ path: fifo }) }, { ...options, durability: { error: 'disk', warn: 'os' } })
    subject.append('m', 'warn')
    expect(subject.ledger).to.include({ delivered: 1, durabilityMissed: 0 })
    subject.append('m', 'error')
    expect(subject.ledger).to.include({ delivered: 2, durabilityMissed: 1 })
    closeSync(reader)
  })

  it('is of the call even where a getter of the event logs', () => {
    const destination = new Destination()
    const subject = subjectOf(destination, { durability: 'os', appendTimeoutMs: 5000 })
    subject.append('outer', 'info', {
      get nested() {
        subject.append('inner')
        return destination.lines().map(({ msg }) => msg)
      },
    })
    expect(destination.lines()).to.have.length(2)
    expect(destination.lines()[1]).to.deep.include({ msg: 'outer', nested: ['inner'] })
  })

  it('without a file sink is an error', () => {
    for (const durability of ['os', { error: 'disk' }] as const) {
      const set = (): unknown => configure({ durability, sinks: [consoleSink()] })
      expect(set)
        .to.throw(/'durability' needs a fileSink or a rollingFileSink/)
        .with.property('code', 'ERR_TRACELANE_OPTION_INVALID')
    }
  })

  it('refuses levels and values that do not exist', () => {
    for (const durability of ['ssd', { loud: 'os' }, { warn: 'ssd' }, []]) {
      const set = (): unknown => configure({ durability: durability as 'os', sinks: [fileSink({ path: 'never-opened.log' })] })
      expect(set)
        .to.throw(/durability/)
        .with.property('code', 'ERR_TRACELANE_OPTION_INVALID')
    }
  })
})
