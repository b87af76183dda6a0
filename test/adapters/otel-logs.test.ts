import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Context } from '@opentelemetry/api'
import type * as logs from '@opentelemetry/sdk-logs'
import { expect } from 'chai'
import { close, configure, currentTrace, fileSink, mdc, runWithTrace } from 'tracelane'
import { TracelaneLogProcessor } from 'tracelane/adapters/otel-logs'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { allRight, interleavedUsers, projectFile, projectRoot, requires, tempFolder } from '../support'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

interface Version {
  readonly name: string
  /** The folder from which it is found. */
  readonly folder: string
  readonly runs: boolean
  /** Whether records have what 0.57 does not know: event names and exceptions. */
  readonly current: boolean
}

const versions: Readonly<Record<string, Version>> = {
  '3': {
    name: '@opentelemetry/sdk-logs',
    folder: projectFile('node_modules/otel3'),
    runs: major > 22 || (major === 22 && minor >= 15),
    current: true,
  },
  '0.2': { name: '@opentelemetry/sdk-logs', folder: projectRoot, runs: true, current: true },
  '0.57': { name: 'sdk-logs-0.57', folder: projectRoot, runs: true, current: false },
}

for (const [title, { name, folder, runs, current }] of Object.entries(versions)) {
  describe(`adapters/otel-logs with the logs SDK ${title}`, () => {
    let captured: CapturedEvents
    let provider: logs.LoggerProvider
    let logger: ReturnType<logs.LoggerProvider['getLogger']>
    let spanIn: (traceId: string, spanId: string) => Context

    before(function () {
      // It says of itself that it needs Node.js 22.15.
      requires(this, 'otel-logs-3', runs)
    })

    beforeEach(() => {
      captured = captureEvents()
      const load = createRequire(join(folder, 'package.json'))
      const { LoggerProvider } = load(name) as typeof logs
      const { ROOT_CONTEXT, trace } = load('@opentelemetry/api') as typeof import('@opentelemetry/api')
      spanIn = (traceId, spanId) => trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 })
      const processor = new TracelaneLogProcessor()
      provider = new LoggerProvider({ processors: [processor] })
      const old = provider as unknown as { addLogRecordProcessor?(one: unknown): void }
      old.addLogRecordProcessor?.(processor)
      logger = provider.getLogger('orders.db')
    })

    afterEach(async () => {
      captured.restore()
      await provider.shutdown()
      await close()
    })

    const line = (): Record<string, unknown> => {
      expect(captured.lines, 'told once').to.have.length(1)
      return JSON.parse(captured.lines[0] as string) as Record<string, unknown>
    }

    it('gives each line of 100 interleaved users its own id under backpressure, once', async () => {
      expect(await interleavedUsers('otel-logs.cjs', [name, folder])).to.deep.equal(allRight())
    })

    it('gives each its own id when the records carry it, outside any trace of ours', async () => {
      const verdict = await interleavedUsers('otel-logs.cjs', [name, folder, 'span'])
      expect(verdict).to.deep.equal({ ...allRight(), wrongMdc: allRight().lines })
    })

    it('maps body, attributes, scope and time', () => {
      const timestamp: [number, number] = [1_763_683_905, 678_999_999]
      logger.emit({ severityNumber: 9, severityText: 'INFO', body: 'saved', attributes: { id: 7, tags: ['a'] }, timestamp })
      expect(line()).to.deep.include({
        time: 1_763_683_905_678,
        level: 'info',
        logger: 'orders.db',
        msg: 'saved',
        id: 7,
        tags: ['a'],
      })
      expect(line()).to.not.have.any.keys('severityText', 'eventName', 'body', 'err')
    })

    it('maps each severity number, a text without a number, and neither', () => {
      for (let n = 1; n <= 24; n++) logger.emit({ severityNumber: n, body: 'x' })
      for (const severityText of ['WARNING', 'Critical', 'mine']) logger.emit({ severityText, body: 'x' })
      logger.emit({ body: 'x' })
      const four = (level: string) => Array(4).fill(level)
      const numbers = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].flatMap(four)
      expect(captured.events.map(({ level }) => level)).to.deep.equal([...numbers, 'warn', 'fatal', 'info', 'info'])
      expect(captured.events.slice(24).map(({ fields }) => fields?.['severityText'])).to.deep.equal([
        undefined,
        'Critical',
        'mine',
        undefined,
      ])
    })

    it('writes bodies that are no text, and the event name', () => {
      logger.emit({ body: 42 })
      logger.emit({ body: { a: [1, true] } })
      logger.emit({})
      expect(captured.events.map(({ msg }) => msg)).to.deep.equal(['42', '{"a":[1,true]}', ''])
      if (!current) return
      logger.emit({ eventName: 'order.saved', body: { id: 7 } })
      logger.emit({ eventName: 'order.saved' })
      const [withBody, without] = captured.events.slice(3)
      expect(withBody).to.deep.include({ msg: 'order.saved', fields: { eventName: 'order.saved', body: { id: 7 } } })
      expect(without).to.deep.include({ msg: 'order.saved', fields: { eventName: 'order.saved' } })
    })

    it('makes exception attributes the error of the event', () => {
      const error = new TypeError('no')
      const attributes = {
        'exception.type': 'TypeError',
        'exception.message': 'no',
        'exception.stacktrace': error.stack as string,
      }
      logger.emit({ severityNumber: 17, body: 'failed', attributes: { ...attributes, id: 7 } })
      expect(line()).to.deep.include({ id: 7, err: { type: 'TypeError', message: 'no', stack: error.stack } })
      expect(line()).to.not.have.property('exception.type')
      if (!current) return
      logger.emit({ severityNumber: 17, body: 'failed', exception: error })
      expect(captured.events[1]?.err).to.deep.equal({ type: 'TypeError', message: 'no', stack: error.stack })
    })

    it("has the record's own ids, without the MDC of another trace", () => {
      const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)]
      runWithTrace(() => {
        mdc.put('tenant', 'other')
        logger.emit({ body: 'x', context: spanIn(traceId, spanId) })
      })
      expect(line()).to.include({ traceId, spanId }).and.not.have.property('tenant')
      expect(captured.events[0]?.flags).to.equal(1)
      expect(line()['hlc']).to.match(/^[0-9a-f]{16}$/)
    })

    it('has the MDC and the clock of the flow when the record is of the same trace', () => {
      runWithTrace(() => {
        mdc.put('tenant', 'mine')
        const traceId = currentTrace()?.traceId as string
        logger.emit({ body: 'x', context: spanIn(traceId, 'b'.repeat(16)) })
        expect(line()).to.include({ traceId, spanId: 'b'.repeat(16), tenant: 'mine' })
      })
    })

    it('has the ids of the flow for a record without', () => {
      const context = runWithTrace(() => {
        logger.emit({ body: 'x' })
        return currentTrace()
      })
      expect(line()).to.include({ traceId: context?.traceId, spanId: context?.spanId })
    })

    it('has what was true when the record was emitted', () => {
      const items: { n: number } = { n: 1 }
      logger.emit({ body: 'x', attributes: { items } })
      items.n = 2
      expect(line()['items']).to.deep.equal({ n: 1 })
    })

    it('writes everything before forceFlush() and shutdown() resolve, and takes nothing after', async () => {
      captured.restore()
      const file = join(tempFolder(), 'out.log')
      await configure({ sinks: [fileSink({ path: file })], flushIntervalMs: 60_000 })
      const written = () => readFileSync(file, 'utf8').match(/"msg":"\w+"/g)
      logger.emit({ body: 'flushed' })
      await provider.forceFlush()
      expect(written()).to.deep.equal(['"msg":"flushed"'])
      logger.emit({ body: 'shut' })
      await provider.shutdown()
      expect(written()).to.deep.equal(['"msg":"flushed"', '"msg":"shut"'])
    })

    it('takes nothing after shutdown(), whoever calls it', async () => {
      const processor = new TracelaneLogProcessor()
      await processor.shutdown()
      processor.onEmit({ hrTime: [1, 0], attributes: {}, instrumentationScope: { name: 'x' } })
      expect(captured.events).to.deep.equal([])
    })
  })
}
