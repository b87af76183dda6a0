import { requires } from '../support'
import { type DeliveredLine, deliveryRun, RUN_MS, RUN_TITLE } from './delivery'
import { builtOpenSearch, OpenSearch } from './opensearch'

const STREAM = 'logs-delivery-default'
const FIELDS = ['trace', 'p', 'n', 'vector', 'hlc', 'time', 'seq', 'instance']
const PAGE = 10_000

interface Page {
  readonly _scroll_id: string
  readonly hits: { readonly hits: readonly { readonly _source: DeliveredLine }[] }
}

describe('delivery by Elasticsearch', function () {
  this.timeout(RUN_MS)
  let server: OpenSearch

  before(async function () {
    const classPath = await builtOpenSearch()
    requires(this, 'opensearch', classPath !== undefined)
    server = await OpenSearch.start(classPath as string)
    await server.ask('PUT', '/_index_template/logs', {
      ...{ index_patterns: [STREAM], data_stream: {}, priority: 1 },
      template: {
        // One shard numbers documents in the order in which they came.
        settings: { number_of_replicas: 0, number_of_shards: 1 },
        mappings: { dynamic: false, properties: { '@timestamp': { type: 'date' } } },
      },
    })
  })
  after(() => server?.stop())

  /* All documents, in the order in which they came. */
  async function read(take: (line: DeliveredLine) => void): Promise<void> {
    const query = { size: PAGE, sort: ['_seq_no'], _source: FIELDS }
    let page = await server.ask<Page>('POST', `/${STREAM}/_search?scroll=5m`, query)
    while (page.hits.hits.length > 0) {
      for (const { _source } of page.hits.hits) take(_source)
      page = await server.ask<Page>('POST', '/_search/scroll', { scroll: '5m', scroll_id: page._scroll_id })
    }
  }

  it(RUN_TITLE, async () => {
    let take: (line: DeliveredLine) => void = () => {}
    const options = { url: server.origin, index: STREAM, layout: 'json', timeoutMs: 5_000 }
    await deliveryRun({
      sink: { name: 'elasticsearchSink', options },
      isOnce: true,
      restart: async () => {
        await server.stop('SIGKILL')
        await server.start()
      },
      pause: () => server.signal('SIGSTOP'),
      resume: () => server.signal('SIGCONT'),
      begin: (taking) => {
        take = taking
      },
      end: async () => {
        await server.ask('POST', `/${STREAM}/_refresh`)
        await read(take)
      },
    })
  })
})
