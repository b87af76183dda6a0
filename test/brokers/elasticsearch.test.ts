import { expect } from 'chai'
import {
  close,
  configure,
  type ElasticsearchSinkOptions,
  elasticsearchSink,
  flush,
  getLogger,
  ledger,
  runWithTrace,
  type SinkLedger,
} from 'tracelane'
import { requires, until } from '../support'
import { builtOpenSearch, OpenSearch } from './opensearch'

const TRACES = 20
const DEADLINE_MS = 90_000
const MOST = 10_000

type Document = Readonly<Record<string, unknown>>

describe('elasticsearchSink to a real OpenSearch', function () {
  this.timeout(900_000)
  let server: OpenSearch

  before(async function () {
    const classPath = await builtOpenSearch()
    requires(this, 'opensearch', classPath !== undefined)
    server = await OpenSearch.start(classPath as string)
    await server.ask('PUT', '/_index_template/logs', {
      ...{ index_patterns: ['logs-*-*'], data_stream: {}, priority: 1 },
      template: {
        settings: { number_of_replicas: 0 },
        mappings: { properties: { n: { type: 'long' }, 'trace.id': { type: 'keyword' } } },
      },
    })
  })

  after(async () => {
    await server?.stop()
  })

  afterEach(() => close())

  const account = (): SinkLedger => ledger()[0]?.sinks[0] as SinkLedger

  function start(options: Omit<ElasticsearchSinkOptions, 'url'>): void {
    void configure({ service: 'orders', sinks: [elasticsearchSink({ url: server.origin, ...options })] })
  }

  function log(from: number, to: number): void {
    const logger = getLogger('shop.orders')
    for (let n = from; n < to; n++) {
      for (let trace = 0; trace < TRACES; trace++) {
        const traceId = (trace + 1).toString(16).padStart(32, '0')
        runWithTrace({ traceparent: `00-${traceId}-${traceId.slice(16)}-01` }, () => logger.info(`line ${n}`, { n, ä: 'ö' }))
      }
    }
  }

  async function documents(index: string): Promise<Document[]> {
    await server.ask('POST', `/${index}/_refresh`)
    const found = await server.ask<{ hits: { hits: { _source: Document }[] } }>('POST', `/${index}/_search`, {
      ...{ size: MOST, sort: [{ 'tracelane.seq': 'asc' }] },
    })
    return found.hits.hits.map(({ _source }) => _source)
  }

  function expectAll(found: readonly Document[], each: number): void {
    expect(found).to.have.length(each * TRACES)
    const seen = new Map<unknown, unknown[]>()
    for (const document of found) {
      const of = seen.get(document['trace.id']) ?? []
      seen.set(document['trace.id'], of)
      of.push(Number((document['labels'] as Document)['n']))
    }
    expect(seen.size).to.equal(TRACES)
    for (const numbers of seen.values()) expect(numbers).to.deep.equal([...Array(each).keys()])
  }

  it('has each event once in a data stream, with several batches at once', async () => {
    start({ index: 'logs-once-default', maxInFlight: 4, maxBatchEvents: 100 })
    log(0, 100)
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ entered: 100 * TRACES, delivered: 100 * TRACES, rejected: 0, quarantined: 0, inFlight: 0 })
    const found = await documents('logs-once-default')
    expectAll(found, 100)
    expect(found[0]).to.include({ 'log.level': 'info', message: 'line 0', 'service.name': 'orders' })
  })

  it('has them in an index of the day, as json with a timestamp', async () => {
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '.')
    start({ index: 'daily-%{yyyy.MM.dd}', layout: 'json' })
    getLogger('x').info('once')
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ delivered: 1, inFlight: 0 })
    const found = await server.ask<Record<string, unknown>>('GET', '/daily-*')
    const names = Object.keys(found)
    // A day may end meanwhile.
    expect(names).to.have.length(1)
    expect((names[0] as string) >= `daily-${today}`).to.equal(true)
  })

  it('quarantines the one that does not fit its mapping, with the reason, and has all others', async () => {
    start({ index: 'logs-poison-default', layout: 'json' })
    for (let n = 0; n < 50; n++) getLogger('x').info('m', { n: n === 20 ? 'no number' : n })
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ entered: 50, delivered: 49, quarantined: 1, inFlight: 0 })
    await server.ask('POST', '/logs-poison-default/_refresh')
    const { count } = await server.ask<{ count: number }>('GET', '/logs-poison-default/_count')
    expect(count).to.equal(49)
  })

  it('has each event once that was logged while it was killed and away, be its receipt lost or not', async () => {
    start({ index: 'logs-killed-default', maxBatchEvents: 50, connectTimeoutMs: 1_000 })
    log(0, 20)
    const first = flush({ deadlineMs: DEADLINE_MS })
    await until('a batch is there', () => account().delivered > 0, DEADLINE_MS)
    await server.stop('SIGKILL')
    log(20, 40)
    await until('a try fails', () => account().retried > 0, DEADLINE_MS)
    await server.start()
    await first
    log(40, 60)
    await flush({ deadlineMs: DEADLINE_MS })
    expect(account()).to.include({ delivered: 60 * TRACES, rejected: 0, quarantined: 0, inFlight: 0, discardedTotal: 0 })
    expectAll(await documents('logs-killed-default'), 60)
  })
})
