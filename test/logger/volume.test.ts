import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  close,
  configure,
  counters,
  fileSink,
  flush,
  getLogger,
  type LoggingOptions,
  mdc,
  runWithTrace,
  type SerializedTrace,
  signLevel,
  withSpan,
} from 'tracelane'
import { captureEvents } from 'tracelane/testing'
import { jsonLinesOf, tempFolder } from '../support'

type Line = Record<string, unknown>

/* A trace whose random bits are the lowest, or the highest. */
const traceOf = (digit: string): SerializedTrace => ({ traceparent: `00-${digit.repeat(32)}-${'1'.repeat(16)}-03` })
const LEFT_OUT = traceOf('1')
const KEPT = traceOf('e')

describe('configure()', () => {
  let path: string
  let before: typeof counters

  function logTo(options: LoggingOptions): void {
    path = join(tempFolder(), 'out.log')
    void configure({ thread: false, sinks: [fileSink({ path })], ...options })
    before = { ...counters }
  }

  async function lines(file = path): Promise<Line[]> {
    await flush()
    return jsonLinesOf(file)
  }

  async function texts(): Promise<unknown[]> {
    return (await lines()).map(({ msg }) => msg)
  }

  const grown = (name: keyof typeof counters): number => counters[name] - before[name]

  function expectDense(all: readonly Line[]): void {
    const [first] = all
    expect(all.map(({ seq }) => seq)).to.deep.equal(all.map((_, i) => (first?.['seq'] as number) + i))
  }

  afterEach(async () => {
    await close()
  })

  describe('filters', () => {
    it('leave denied events out, count them, and take no number for them', async () => {
      logTo({ filters: [{ kind: 'match', logger: 'health', onMatch: 'deny' }] })
      for (const name of ['app', 'health.http', 'app', 'health', 'app']) getLogger(name).info(name)
      const all = await lines()
      expect(all.map(({ msg }) => msg)).to.deep.equal(['app', 'app', 'app'])
      expectDense(all)
      expect(grown('eventsFiltered')).to.equal(2)
    })

    it('are asked about the events at the end of spans too', async () => {
      logTo({ filters: [{ kind: 'match', fields: { 'span.name': 'quiet' }, onMatch: 'deny' }] })
      withSpan('quiet', () => {})
      withSpan('loud', () => {})
      expect(await texts()).to.have.length(1)
    })

    it('tell what they held back at a flush, and when they are replaced', async () => {
      logTo({ filters: [{ kind: 'duplicate', allowedRepetitions: 0 }] })
      for (let i = 0; i < 4; i++) getLogger('app').warn('again')
      expect(await texts()).to.deep.equal(['again', 'repeated 3 more times: again'])
      getLogger('app').warn('again')
      await configure({ thread: false, sinks: [fileSink({ path })] })
      expect((await texts()).at(-1)).to.equal('repeated 1 more times: again')
      expectDense(await lines())
    })

    it('may belong to one appender', async () => {
      const folder = tempFolder()
      const file = (name: string) => fileSink({ path: join(folder, name) })
      await configure({
        thread: false,
        appenders: {
          all: { sink: file('all') },
          audit: { sink: file('audit'), filters: [{ kind: 'match', marker: 'AUDIT' }] },
          brief: { sink: file('brief'), filters: [{ kind: 'duplicate', allowedRepetitions: 0 }] },
        },
        root: { appenders: ['all', 'audit', 'brief'] },
      })
      before = { ...counters }
      const log = getLogger('app')
      for (const marker of ['AUDIT', 'DEBUG', 'AUDIT']) log.info('m', { marker })
      await flush()
      const read = async (name: string) => (await lines(join(folder, name))).map(({ msg, marker }) => marker ?? msg)
      expect(await read('all')).to.deep.equal(['AUDIT', 'DEBUG', 'AUDIT'])
      expect(await read('audit')).to.deep.equal(['AUDIT', 'AUDIT'])
      expect(await read('brief')).to.deep.equal(['AUDIT', 'repeated 2 more times: m'])
      expect(grown('eventsDenied')).to.equal(3)
      expect(grown('eventsFiltered')).to.equal(0)
    })

    it('that deny an event at every appender leave no gap in the numbers', async () => {
      path = join(tempFolder(), 'out.log')
      const filters = [{ kind: 'match', message: 'noise', onMatch: 'deny' }] as const
      const more = { sink: fileSink({ path: join(tempFolder(), 'errors.log') }), level: 'error' } as const
      await configure({
        thread: false,
        appenders: { a: { sink: fileSink({ path }), filters }, more },
        root: { appenders: ['a', 'more'] },
      })
      for (const msg of ['one', 'noise', 'two']) getLogger('app').info(msg)
      const all = await lines()
      expect(all).to.have.length(2)
      expectDense(all)
    })
  })

  describe('sampling', () => {
    it('writes whole traces, with their rate, and warnings of all', async () => {
      logTo({ sampling: { rate: 0.5 } })
      const log = getLogger('app')
      for (const trace of [LEFT_OUT, KEPT]) {
        runWithTrace(trace, () => {
          log.info('info')
          withSpan('step', () => log.info('inside'))
          log.warn('warn')
        })
      }
      log.info('outside')
      const all = await lines()
      expect(all.map(({ msg, traceId, rate }) => [String(msg).split(' ')[0], (traceId as string)?.[0], rate])).to.deep.equal([
        ['warn', '1', undefined],
        ['info', 'e', 0.5],
        ['inside', 'e', 0.5],
        ['step', 'e', 0.5],
        ['warn', 'e', undefined],
        ['outside', undefined, undefined],
      ])
      expectDense(all)
      expect(grown('eventsSampled')).to.equal(3)
    })

    it('leaves out nothing that a filter accepts', async () => {
      logTo({ sampling: { rate: 0 }, filters: [{ kind: 'match', marker: 'AUDIT', onMatch: 'accept', onMismatch: 'neutral' }] })
      runWithTrace(KEPT, () => {
        getLogger('app').info('left out')
        getLogger('app').info('accepted', { marker: 'AUDIT' })
      })
      expect(await texts()).to.deep.equal(['accepted'])
    })

    it("keeps a field called rate apart from the event's own", async () => {
      logTo({ sampling: { rate: 0.5 } })
      for (const rate of [7, 'high']) {
        runWithTrace(KEPT, () => getLogger('app').info('m', { rate }))
        expect((await lines()).at(-1)).to.include({ rate: 0.5, _rate: rate })
      }
    })
  })

  describe('budget', () => {
    it('leaves out what is too much, counts it, and tells it', async () => {
      logTo({ budget: { perSecond: 5 } })
      for (let i = 0; i < 20; i++) getLogger('loud').info(`line ${i}`)
      getLogger('quiet').info('heard')
      getLogger('loud').error('an error')
      const all = await texts()
      expect(all.slice(0, 7)).to.deep.equal(['line 0', 'line 1', 'line 2', 'line 3', 'line 4', 'heard', 'an error'])
      expect(all[7]).to.equal('15 events of loud were left out: more than its budget of 5 a second')
      expect(grown('eventsOverBudget')).to.equal(15)
    })
  })

  it('tells on a channel what is left out, and why', async () => {
    logTo({
      filters: [{ kind: 'match', message: 'noise', onMatch: 'deny' }],
      sampling: { rate: 0 },
      budget: { perSecond: 1 },
    })
    const told: unknown[] = []
    const listen = (message: unknown): void => {
      const { reason, event } = message as { reason: string; event: { msg: string } }
      told.push([reason, event.msg])
    }
    subscribe('tracelane.event.left-out', listen)
    const log = getLogger('app')
    log.info('noise')
    runWithTrace(() => log.info('sampled'))
    log.info('first')
    log.info('second')
    unsubscribe('tracelane.event.left-out', listen)
    expect(told).to.deep.equal([
      ['filtered', 'noise'],
      ['sampled', 'sampled'],
      ['budget', 'second'],
    ])
  })

  it('refuses wrong options, and changes nothing', async () => {
    logTo({})
    const wrong: readonly (readonly [LoggingOptions, RegExp])[] = [
      [{ filters: [{ kind: 'burst', rate: -1 }] }, /configure: filters\[0\] \(burst\): 'rate'/],
      [{ sampling: { rate: 2 } }, /configure: sampling: 'rate' must be a number from 0 to 1/],
      [{ budget: {} as never }, /configure: budget needs 'perSecond'/],
      [{ flightRecorder: { maxLines: 0 } }, /configure: flightRecorder: 'maxLines' must be an integer/],
      [{ flightRecorder: 'yes' as never }, /configure: flightRecorder takes an object of options/],
      [{ targetedDebug: { secret: '' } }, /configure: targetedDebug: 'secret' must be a text that is not empty/],
      [
        { appenders: { a: { sink: fileSink({ path: 'x' }), filters: [{}] as never } } },
        /configure: appender 'a': filters\[0\] must have a kind/,
      ],
    ]
    for (const [options, message] of wrong) expect(() => configure(options)).to.throw(message)
    getLogger('app').info('still here')
    expect(await texts()).to.deep.equal(['still here'])
  })

  it('goes on as it is when configure() is called again with the same options, though not with those that the caller changed', async () => {
    const filters = [{ kind: 'duplicate', allowedRepetitions: 0 }]
    path = join(tempFolder(), 'out.log')
    const options = { thread: false, sinks: [fileSink({ path })], filters } as LoggingOptions
    await configure(options)
    getLogger('app').info('again')
    await configure(options)
    getLogger('app').info('again')
    filters.pop()
    await configure(options)
    getLogger('app').info('again')
    expect(await texts()).to.deep.equal(['again', 'repeated 1 more times: again', 'again'])
  })

  it('reads all of it from a file of JSON', async () => {
    path = join(tempFolder(), 'out.log')
    const file = join(tempFolder(), 'logging.json')
    const options: LoggingOptions = {
      thread: false,
      sinks: [fileSink({ path })],
      filters: [{ kind: 'match', message: 'noise', onMatch: 'deny' }],
      sampling: { rate: 0.5 },
      budget: { perSecond: 1 },
      flightRecorder: { level: 'debug' },
      targetedDebug: { secret: 'spoken softly' },
    }
    writeFileSync(file, JSON.stringify(options))
    await configure({ file })
    const log = getLogger('app')
    log.info('noise')
    runWithTrace(LEFT_OUT, () => log.info('sampled'))
    log.info('first')
    log.info('second')
    runWithTrace(KEPT, () => {
      log.debug('kept')
      log.error('failed')
    })
    runWithTrace({ ...LEFT_OUT, 'tracelane-level': signLevel({ secret: 'spoken softly' }) }, () => log.debug('targeted'))
    const said = await texts()
    expect(said.slice(0, 4)).to.deep.equal(['first', 'kept', 'failed', 'targeted'])
    expect(said[4]).to.match(/^1 events of app were left out/)
  })

  describe('flightRecorder', () => {
    it('writes what came before an error, before it, with the clock of the call and the number of now', async () => {
      logTo({ flightRecorder: true })
      const log = getLogger('app')
      runWithTrace(() => {
        const cart = { items: 1 }
        mdc.put('user', 'ann')
        log.debug('before', { cart })
        cart.items = 2
        log.info('between')
        log.trace('details')
        log.error(new Error('boom'), 'failed')
      })
      const all = await lines()
      expect(all.map(({ msg, level, replayed, user }) => [msg, level, replayed, user])).to.deep.equal([
        ['between', 'info', undefined, 'ann'],
        ['before', 'debug', true, 'ann'],
        ['details', 'trace', true, 'ann'],
        ['failed', 'error', undefined, 'ann'],
      ])
      expect(all[1]).to.deep.include({ cart: { items: 1 } })
      expectDense(all)
      const byClock = all.toSorted((a, b) => (String(a['hlc']) < String(b['hlc']) ? -1 : 1))
      expect(byClock.map(({ msg }) => msg)).to.deep.equal(['before', 'between', 'details', 'failed'])
      expect(grown('eventsRecorded')).to.equal(2)
      expect(grown('eventsReplayed')).to.equal(2)
    })

    it('is off by default', async () => {
      logTo({})
      runWithTrace(() => {
        expect(getLogger('app').isEnabled('debug')).to.equal(false)
        getLogger('app').debug('before')
        getLogger('app').error('failed')
      })
      expect(await texts()).to.deep.equal(['failed'])
    })

    it('says nothing of another trace, nor of what is outside any', async () => {
      logTo({ flightRecorder: true })
      const log = getLogger('app')
      log.debug('outside')
      runWithTrace(() => log.debug('other'))
      runWithTrace(() => log.error('failed'))
      log.error('outside')
      expect(await texts()).to.deep.equal(['failed', 'outside'])
    })

    it('keeps what the sampling leaves out', async () => {
      logTo({ flightRecorder: true, sampling: { rate: 0 } })
      const log = getLogger('app')
      runWithTrace(() => {
        log.info('info')
        log.debug('debug')
        log.error('failed')
      })
      expect(await texts()).to.deep.equal(['info', 'debug', 'failed'])
      expect(grown('eventsSampled')).to.equal(0)
    })

    it('leaves out what a filter denies, and loggers that are off', async () => {
      logTo({
        flightRecorder: true,
        levels: { 'app.off': 'off' },
        filters: [{ kind: 'match', logger: 'noise', onMatch: 'deny' }],
      })
      runWithTrace(() => {
        for (const name of ['noise', 'app.off', 'app']) getLogger(name).debug(name)
        getLogger('app.off').error('off')
        getLogger('app').error('failed')
      })
      expect(await texts()).to.deep.equal(['app', 'failed'])
      expect(grown('eventsFiltered')).to.equal(1)
    })

    it('uses up nothing of a burst for lines that are never written', async () => {
      logTo({ flightRecorder: true, filters: [{ kind: 'burst', rate: 1, maxBurst: 1 }] })
      runWithTrace(() => {
        for (let i = 0; i < 5; i++) getLogger('app').debug('kept')
        getLogger('app').info('within')
        getLogger('app').info('too much')
      })
      expect(await texts()).to.deep.equal(['within'])
    })

    it('takes lines from its level on only', async () => {
      logTo({ flightRecorder: { level: 'debug' } })
      runWithTrace(() => {
        expect(getLogger('app').isEnabled('debug')).to.equal(true)
        expect(getLogger('app').isEnabled('trace')).to.equal(false)
        getLogger('app').trace('trace')
        getLogger('app').debug('debug')
        getLogger('app').error('failed')
      })
      expect(await texts()).to.deep.equal(['debug', 'failed'])
    })

    it('does not come between a test and the events that it captures', () => {
      logTo({ flightRecorder: true })
      const captured = captureEvents()
      runWithTrace(() => {
        getLogger('app').debug('debug')
        getLogger('app').error('failed')
      })
      captured.restore()
      expect(captured.events.map(({ msg }) => msg)).to.deep.equal(['failed'])
      expect(grown('eventsRecorded')).to.equal(0)
    })

    it('is forgotten when it is replaced', async () => {
      logTo({ flightRecorder: true })
      await runWithTrace(async () => {
        getLogger('app').debug('debug')
        await configure({ thread: false, sinks: [fileSink({ path })] })
        getLogger('app').debug('off')
        getLogger('app').error('failed')
      })
      expect(await texts()).to.deep.equal(['failed'])
      expect(grown('eventsEvicted')).to.equal(1)
    })
  })

  describe('targetedDebug', () => {
    const secret = 'spoken softly'
    const targeted = (level: 'debug' | 'trace' = 'debug'): SerializedTrace => ({
      ...LEFT_OUT,
      'tracelane-level': signLevel({ secret, level }),
    })

    it('turns one trace to its level, whatever those of its loggers are, and no other', async () => {
      logTo({ targetedDebug: { secret }, level: 'warn' })
      const log = getLogger('app.deep')
      runWithTrace(targeted(), () => {
        expect(log.isEnabled('debug')).to.equal(true)
        expect(log.isEnabled('trace')).to.equal(false)
        log.trace('trace')
        log.debug('debug')
        withSpan('step', () => log.debug('inside'))
        runWithTrace(() => log.debug('another trace'))
      })
      log.debug('outside')
      const said = await texts()
      expect(said.map((msg) => String(msg).split(' ')[0])).to.deep.equal(['debug', 'inside', 'step'])
    })

    it('goes past sampling and budget, not past filters and loggers that are off', async () => {
      logTo({
        targetedDebug: { secret },
        levels: { off: 'off' },
        sampling: { rate: 0 },
        budget: { perSecond: 1, level: 'warn' },
        filters: [{ kind: 'match', logger: 'noise', onMatch: 'deny' }],
      })
      runWithTrace(targeted(), () => {
        for (const name of ['app', 'off', 'noise', 'app', 'app']) getLogger(name).debug(name)
      })
      const all = await lines()
      expect(all.map(({ msg, rate }) => [msg, rate])).to.deep.equal(Array(3).fill(['app', undefined]))
    })

    it('is off without a secret', async () => {
      logTo({})
      runWithTrace(targeted(), () => getLogger('app').debug('debug'))
      getLogger('app').info('info')
      expect(await texts()).to.deep.equal(['info'])
      expect(grown('levelsRejected')).to.equal(0)
    })
  })
})
