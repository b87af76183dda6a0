import { runOutside } from '../../context'
import { retryable } from '../http/answer'
import { HttpClient } from '../http/client'
import { Prepared } from '../prepared'
import type { AsyncSink } from '../sink'
import { judgeBulk } from './answer'
import { BulkMaker } from './bulk'
import type { ElasticsearchSinkSpec } from './options'

/* Of each document only what it came to: the answer is a tenth as long. */
const FILTER = 'filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason'

/** Opens a server that takes `_bulk` requests on this thread. Nothing is connected before the first batch. */
export function openElasticsearchSink(options: ElasticsearchSinkSpec['options']): AsyncSink {
  const client = new HttpClient(options, 'POST', 'application/x-ndjson')
  const { saying } = client
  const { pipeline, maxResponseBytes } = options
  const base = new URL(options.url).pathname.replace(/\/(_bulk\/?)?$/, '')
  const path = `${base}/_bulk?${FILTER}${pipeline === undefined ? '' : `&pipeline=${encodeURIComponent(pipeline)}`}`
  const bulk = new BulkMaker(options.index)
  const bodies = new Prepared((batch) => client.pack(bulk.bodyOf(batch.lines, batch.rows())))
  return {
    sending: options,
    prepare: (batch) => bodies.begin(batch),
    async send(batch) {
      try {
        const documents = batch.rows().length
        const body = await bodies.of(batch)
        const reply = await runOutside(() => client.send(body, {}, path))
        return judgeBulk(reply, saying, Date.now(), { documents, maxResponseBytes })
      } catch (error) {
        return retryable(`${saying.name} failed: ${(error as Error).message}`)
      }
    },
    async close() {
      client.close()
    },
  }
}
