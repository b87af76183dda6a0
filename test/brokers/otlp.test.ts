import { expect } from 'chai'
import {
  close,
  configure,
  flush,
  getLogger,
  ledger,
  type OtlpSinkOptions,
  otlpSink,
  runWithTrace,
  type SinkLedger,
  withSpan,
} from 'tracelane'
import { type Decoded, simplified } from '../sinks/otlp/otlp-server'
import { requires, until } from '../support'
import { builtCollector, Collector } from './otelcol'

const TRACES = 20
const DEADLINE_MS = 60_000

describe('otlpSink to a real OpenTelemetry Collector', function () {
  this.timeout(960_000)
  let program: string | undefined
  let collector: Collector

  before(async () => {
    program = await builtCollector()
  })

  beforeEach(function () {
    requires(this, 'otelcol', program !== undefined)
  })

  afterEach(async () => {
    await close()
    await collector?.stop()
  })

  const account = (): SinkLedger => ledger()[0]?.sinks[0] as SinkLedger
  const records = (): Decoded[] => collector.requests.flatMap((request) => simplified(request, true))

  async function start(options: Omit<OtlpSinkOptions, 'url'>, maxBodyBytes?: number): Promise<void> {
    collector = await Collector.start(program as string, maxBodyBytes)
    void configure({ service: 'orders', level: 'all', sinks: [otlpSink({ url: collector.origin, ...options })] })
  }

  /* Logs events of several traces in turn, each with its number in its trace. */
  function log(from: number, to: number): void {
    const logger = getLogger('shop.orders')
    for (let n = from; n < to; n++) {
      for (let trace = 0; trace < TRACES; trace++) {
        const traceId = (trace + 1).toString(16).padStart(32, '0')
        runWithTrace({ traceparent: `00-${traceId}-${traceId.slice(16)}-01` }, () =>
          logger.info(`line ${n}`, { n, trace: traceId, ä: 'ö' }),
        )
      }
    }
  }

  /* Each event at least once; first occurrences of a trace in order. */
  function expectAll(each: number): void {
    const seen = new Map<string, number[]>()
    for (const { attributes, record } of records()) {
      if (attributes['n'] === undefined) continue
      expect(record['traceId']).to.equal(attributes['trace'])
      const numbers = seen.get(attributes['trace'] as string) ?? []
      seen.set(attributes['trace'] as string, numbers)
      if (!numbers.includes(attributes['n'] as number)) numbers.push(attributes['n'] as number)
    }
    expect(seen.size).to.equal(TRACES)
    for (const numbers of seen.values()) expect(numbers).to.deep.equal([...Array(each).keys()])
  }

  for (const encoding of ['protobuf', 'json'] as const) {
    for (const maxInFlight of [1, 4]) {
      it(`has each event once, and those of a trace in order: ${encoding}, maxInFlight ${maxInFlight}`, async () => {
        await start({ encoding, maxInFlight, maxBatchEvents: 300 })
        log(0, 100)
        await flush({ deadlineMs: DEADLINE_MS })
        expect(account()).to.include({ entered: 100 * TRACES, delivered: 100 * TRACES, rejected: 0, quarantined: 0, inFlight: 0 })
        await until('the collector has written all', () => records().length >= 100 * TRACES)
        expectAll(100)
        expect(records()).to.have.length(100 * TRACES)
        const [{ resource, scope, record, attributes }] = records() as [Decoded]
        expect(resource).to.include({ 'service.name': 'orders', 'process.pid': process.pid })
        expect(resource['service.instance.id']).to.match(/^[0-9a-f]{16}$/)
        expect(scope).to.equal('shop.orders')
        expect(record).to.include({ severityNumber: 9, severityText: 'INFO', body: 'line 0' })
        expect(Number(record['timeUnixNano']) / 1e6).to.be.closeTo(Date.now(), DEADLINE_MS)
        expect(attributes).to.include({ n: 0, ä: 'ö' })
        expect(attributes['tracelane.hlc']).to.match(/^[0-9a-f]{16}$/)
      })
    }
  }

  it('has the spans of withSpan as spans, with their parents', async () => {
    await start({ spans: 'traces' })
    await runWithTrace({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, () =>
      withSpan('outer', async () => {
        await withSpan('inner', async () => getLogger('x').info('inside'))
      }),
    )
    await flush({ deadlineMs: DEADLINE_MS })
    await until('the collector has written all', () => records().length >= 3)
    const spans = records().filter(({ record }) => record['name'] !== undefined)
    const [inner, outer] = spans.map(({ record }) => record) as [Decoded['record'], Decoded['record']]
    expect([inner['name'], outer['name'], inner['parentSpanId']]).to.deep.equal([...['inner', 'outer', outer['spanId']]])
    expect(inner['traceId']).to.equal('a'.repeat(32))
  })

  it('loses nothing that was logged while the collector was killed and away', async () => {
    await start({ maxBatchEvents: 200 })
    log(0, 20)
    await flush({ deadlineMs: DEADLINE_MS })
    await collector.stop('SIGKILL')
    log(20, 40)
    await until('a try fails', () => account().retried > 0)
    await collector.start()
    log(40, 60)
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ delivered: 60 * TRACES, inFlight: 0, discardedTotal: 0 })
    await until('the collector has written all', () => records().length >= 60 * TRACES)
    expectAll(60)
  })

  it('delivers all lines to a collector that takes smaller requests than a batch, and quarantines the one that is too large', async () => {
    await start({ gzip: false }, 20_000)
    log(0, 20)
    getLogger('x').info('x'.repeat(30_000))
    log(20, 40)
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ delivered: 40 * TRACES, quarantined: 1, rejected: 0, inFlight: 0 })
    await until('the collector has written all', () => records().length >= 40 * TRACES)
    expectAll(40)
  })
})
