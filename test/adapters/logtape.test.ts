import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import * as logtape2 from '@logtape/logtape'
import { expect } from 'chai'
import { close, configure, currentTraceId, detach, fileSink, mdc, runWithTrace } from 'tracelane'
import { captureTrace, logtapeSink } from 'tracelane/adapters/logtape'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { allRight, interleavedUsers, tempFolder } from '../support'

const versions = { '@logtape/logtape': logtape2, logtape1: require('logtape1') as typeof logtape2 }

for (const [name, logtape] of Object.entries(versions)) {
  describe(`adapters/logtape with ${name}`, () => {
    let captured: CapturedEvents

    const configured = (sink: logtape2.Sink, more: Partial<logtape2.Config<'lane', string>> = {}): Promise<void> =>
      logtape.configure({
        sinks: { lane: sink },
        loggers: [
          { category: [], lowestLevel: 'trace', sinks: ['lane'] },
          { category: ['logtape', 'meta'], lowestLevel: 'warning', sinks: ['lane'] },
        ],
        ...more,
      })

    const last = () => captured.events.at(-1)
    const line = () => JSON.parse(captured.lines.at(-1) as string) as Record<string, unknown>

    let exits: readonly unknown[]

    beforeEach(async () => {
      exits = process.listeners('exit')
      captured = captureEvents()
      await configured(logtapeSink())
    })

    afterEach(async () => {
      captured.restore()
      await logtape.reset()
      await close()
      // LogTape adds one that it never removes; version 1 with each configure().
      for (const listener of process.listeners('exit')) if (!exits.includes(listener)) process.off('exit', listener)
    })

    it('gives each line of 100 interleaved users its own id under backpressure, once', async () => {
      expect(await interleavedUsers('logtape.cjs', [name])).to.deep.equal(allRight())
    })

    it('does so behind a sink that holds records back, inside captureTrace()', async () => {
      expect(await interleavedUsers('logtape.cjs', [name, 'held'])).to.deep.equal(allRight())
    })

    it('maps levels, the category to the logger name, and values in the message', () => {
      const log = logtape.getLogger(['orders', 'db'])
      log.trace('a')
      log.debug('b')
      log.info('{n} of {list} for {who}', { n: 1, list: [1, 2], who: 'ann' })
      log.warn`${2} left`
      log.error((l) => l`lazy ${{ a: 1 }}`)
      log.fatal('f')
      logtape.getLogger([]).info('root')
      expect(captured.events.map(({ level, logger, msg }) => [level, logger, msg])).to.deep.equal([
        ['trace', 'orders.db', 'a'],
        ['debug', 'orders.db', 'b'],
        ['info', 'orders.db', '1 of [ 1, 2 ] for ann'],
        ['warn', 'orders.db', '2 left'],
        ['error', 'orders.db', 'lazy { a: 1 }'],
        ['fatal', 'orders.db', 'f'],
        ['info', 'logtape', 'root'],
      ])
    })

    it("lets LogTape's levels decide, also below ours", async () => {
      captured.restore()
      const file = join(tempFolder(), 'out.log')
      await configure({ level: 'error', sinks: [fileSink({ path: file })] })
      logtape.getLogger('orders').debug('below ours')
      await close()
      expect(readFileSync(file, 'utf8')).to.contain('"msg":"below ours"')
    })

    it('writes properties, those of with(), implicit contexts and lazy ones, as they were at the call', async () => {
      const { AsyncLocalStorage } = require('node:async_hooks') as typeof import('node:async_hooks')
      await configured(logtapeSink(), { contextLocalStorage: new AsyncLocalStorage(), reset: true })
      const log = logtape.getLogger('orders').with({ part: 'db' })
      const items = { n: 1 }
      logtape.withContext({ order: 7 }, () => log.info('saved', () => ({ items })))
      items.n = 2
      expect(line()).to.deep.include({ msg: 'saved', part: 'db', order: 7, items: { n: 1 } })
    })

    it('keeps stack and cause of an error, once', () => {
      const error = new TypeError('charge failed', { cause: new Error('timeout') })
      logtape.getLogger('orders').error('failed: {error}', { error, id: 7 })
      expect(line()).to.deep.include({ msg: 'failed: TypeError: charge failed', id: 7 }).and.not.have.property('error')
      const { err } = line() as { err: { type: string; stack: string; cause: { message: string; stack: string } } }
      expect(err).to.include({ type: 'TypeError', message: 'charge failed', stack: error.stack })
      expect(err.cause).to.include({ message: 'timeout' }).and.have.property('stack')
    })

    it('has the time of the record, and ids, clock and MDC of the flow of the call', () => {
      const id = runWithTrace(() => {
        mdc.put('tenant', 'a')
        logtape.getLogger('orders').info('x', { traceId: 'forged' })
        return currentTraceId()
      })
      expect(last()).to.include({ traceId: id }).and.have.property('time').closeTo(Date.now(), 1000)
      expect(line()).to.include({ traceId: id, tenant: 'a', _traceId: 'forged' })
      expect(line()['hlc']).to.match(/^[0-9a-f]{16}$/)
    })

    it('captureTrace() captures MDC and clock at the call too, and lets the sink inside be disposed of', async () => {
      let disposed = 0
      const held: logtape2.LogRecord[] = []
      const inner = Object.assign((record: logtape2.LogRecord) => void held.push(record), {
        async [Symbol.asyncDispose]() {
          disposed++
        },
      })
      await configured(captureTrace(inner), { reset: true })
      const sink = logtapeSink()
      const clocks = runWithTrace(() => {
        mdc.put('step', 1)
        logtape.getLogger('orders').info('early')
        mdc.put('step', 2)
        logtape.getLogger('orders').info('late')
        return held.map((record) => record.message)
      })
      expect(clocks).to.deep.equal([['early'], ['late']])
      for (const record of [...held].reverse()) runWithTrace(() => sink(record))
      const [late, early] = captured.events
      expect([early?.mdc, late?.mdc].map((fields) => fields?.['step'])).to.deep.equal([1, 2])
      expect(early?.traceId).to.equal(late?.traceId)
      expect((early?.hlc as string) < (late?.hlc as string)).to.equal(true)
      await logtape.dispose()
      expect(disposed).to.equal(1)
    })

    it('captureTrace() keeps the ids before an asynchronous sink', async () => {
      const sink = logtapeSink()
      const late = logtape.fromAsyncSink(async (record) => {
        await turn()
        detach(() => sink(record))
      })
      await configured(captureTrace(late), { reset: true })
      const log = logtape.getLogger('orders')
      const ids = ['a', 'b'].map((msg) =>
        runWithTrace(() => {
          log.info(msg)
          return currentTraceId()
        }),
      )
      await logtape.dispose()
      expect(captured.events.map(({ msg, traceId }) => [msg, traceId])).to.deep.equal([
        ['a', ids[0]],
        ['b', ids[1]],
      ])
    })

    it('says in the line when a property throws, and never throws itself', () => {
      const log = logtape.getLogger('orders')
      log.info('x {bad}', {
        bad: {
          [Symbol.for('nodejs.util.inspect.custom')]() {
            throw new Error('no')
          },
        },
      })
      log.info((l) => {
        if (Date.now() > 0) throw new Error('lazily')
        return l`never`
      })
      expect(captured.events.map(({ msg }) => msg)).to.deep.equal(['x [unprintable: no]', '[arguments threw: lazily]'])
    })

    it("writes everything before LogTape's dispose() resolves", async () => {
      captured.restore()
      const file = join(tempFolder(), 'out.log')
      await configure({ sinks: [fileSink({ path: file })], flushIntervalMs: 60_000 })
      logtape.getLogger('orders').info('at the end')
      await logtape.dispose()
      expect(readFileSync(file, 'utf8')).to.contain('"msg":"at the end"')
    })

    // LogTape 1 does not know of it.
    const itHasPlaces = name === '@logtape/logtape' ? it : () => {}
    itHasPlaces('has the source location of a record for appenders that ask', async () => {
      captured.restore()
      const file = join(tempFolder(), 'out.log')
      await configure({
        appenders: { placed: { sink: fileSink({ path: file }), caller: true } },
        root: { appenders: ['placed'] },
      })
      const loggers = [{ category: [], lowestLevel: 'info' as const, sinks: ['lane' as const], captureSourceLocation: true }]
      await configured(logtapeSink(), { loggers, reset: true })
      logtape.getLogger('orders').info('here')
      await close()
      const found = /"caller":\{"file":"([^"]+)","line":(\d+)\}/.exec(readFileSync(file, 'utf8'))
      expect(found?.[1]).to.equal(__filename)
      expect(Number(found?.[2])).to.be.above(1)
    })

    it('is a sink for configureSync() without flushOnDispose', async () => {
      const set = (sink: logtape2.Sink) => () =>
        logtape.configureSync({
          sinks: { lane: sink },
          loggers: [{ category: [], sinks: ['lane'] }],
          reset: true,
        })
      await logtape.reset()
      expect(set(logtapeSink())).to.throw('Async disposables')
      set(logtapeSink({ flushOnDispose: false }))()
      logtape.getLogger('orders').info('sync')
      expect(last()?.msg).to.equal('sync')
    })

    it('refuses wrong options', () => {
      expect(() => logtapeSink({ flushOnDispose: 1 } as never)).to.throw('ERR_TRACELANE_OPTION_INVALID')
    })
  })
}
