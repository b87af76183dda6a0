import { runOutside } from '../../context'
import { Prepared } from '../prepared'
import { SCHEMA_VERSION } from '../schema-version'
import type { AsyncSink, SinkBatch } from '../sink'
import { judge, retryable } from './answer'
import { HttpClient } from './client'
import type { HttpSinkSpec } from './options'

type Options = Omit<HttpSinkSpec['options'], 'layout' | 'ordering'>

/**
 * Opens a destination over HTTP on this thread. Nothing is connected before the first batch.
 *
 * Connections belong to no flow, whoever sends: a socket would keep the flow in which it was opened.
 */
export function openHttpSink(options: Options): AsyncSink {
  const client = new HttpClient(options, options.method, options.contentType)
  const { saying } = client
  const bodies = new Prepared((batch) => client.pack(bodyOf(batch, options.body)))
  return {
    sending: options,
    prepare: (batch) => bodies.begin(batch),
    async send(batch) {
      try {
        const headers = { 'tracelane-v': SCHEMA_VERSION, 'tracelane-batch': batch.id, 'tracelane-events': batch.events }
        const body = await bodies.of(batch)
        return judge(await runOutside(() => client.send(body, headers)), saying, Date.now())
      } catch (error) {
        return retryable(`${saying.name} failed: ${(error as Error).message}`)
      }
    },
    async close() {
      client.close()
    },
  }
}

/* A copy, because the batch may be a view of memory that is written over later, in what the options want around each line. */
function bodyOf(batch: SinkBatch, body: Options['body']): Buffer {
  const lines = Buffer.from(batch.lines)
  if (body === undefined) return lines
  const [separator, end] = [Buffer.from(body.separator), Buffer.from(body.end)]
  const parts: Uint8Array[] = [Buffer.from(body.start)]
  batch.rows().forEach((row, i) => {
    if (i > 0) parts.push(separator)
    parts.push(lines.subarray(row.start, row.end - 1))
  })
  return Buffer.concat([...parts, end])
}
