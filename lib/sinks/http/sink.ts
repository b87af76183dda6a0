import type { Agent, RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { runOutside } from '../../context'
import { http, https, zlib } from '../../internal/builtin'
import type { AsyncSink, BatchResult, SinkBatch } from '../sink'
import { judge, retryable, type Saying } from './answer'
import { exchange } from './exchange'
import type { HttpSinkSpec } from './options'

type Options = Omit<HttpSinkSpec['options'], 'layout' | 'ordering'>

/** What does not get smaller by enough to be worth the way through another thread. */
const MIN_GZIP_BYTES = 1024
/** Half the time of zlib's default for bodies that are a tenth larger (docs/reference/sinks/http.md). */
const GZIP_LEVEL = 1

/**
 * Opens a destination over HTTP on this thread. Nothing is connected before the first batch.
 *
 * Connections are kept and used again. They belong to no flow, whoever sends: a socket would keep the flow in which it was opened.
 */
export function openHttpSink(options: Options): AsyncSink {
  const target = targetOf(options)
  const saying = sayingOf(options, target)
  let client: Client | undefined
  let closed = false

  async function deliver(lines: Uint8Array, { id, events }: SinkBatch): Promise<BatchResult> {
    const body = options.gzip && lines.length >= MIN_GZIP_BYTES ? await gzip(lines) : lines
    if (closed) return retryable(`${saying.name} failed: the sink was closed`)
    const headers = {
      ...target.headers,
      ...(body === lines ? {} : { 'content-encoding': 'gzip' }),
      'content-length': body.length,
      'tracelane-batch': id,
      'tracelane-events': events,
    }
    client ??= openClient(options)
    const { agent, request } = client
    const until = performance.now() + options.timeoutMs
    for (;;) {
      const timeoutMs = Math.max(Math.ceil(until - performance.now()), 1)
      const reply = await exchange(request, { ...target, agent, headers }, body, { ...options, timeoutMs })
      // Each round uses up a connection that was kept, so this comes to an end.
      if (reply.head !== undefined || !reply.stale || closed) return judge(reply, saying, Date.now())
    }
  }

  return {
    sending: options,
    async send(batch) {
      try {
        // Before anything is awaited: the batch may be a view of memory that is written over then.
        const lines = bodyOf(batch, options.body)
        return await runOutside(() => deliver(lines, batch))
      } catch (error) {
        return retryable(`${saying.name} failed: ${(error as Error).message}`)
      }
    },
    async close() {
      closed = true
      client?.agent.destroy()
    },
  }
}

interface Client {
  readonly agent: Agent
  readonly request: typeof import('node:http').request
}

function openClient({ url, tls }: Options): Client {
  if (!url.toLowerCase().startsWith('https:')) return { agent: new (http().Agent)({ keepAlive: true }), request: http().request }
  return { agent: new (https().Agent)({ keepAlive: true, ...(tls as object) }), request: https().request }
}

type Target = RequestOptions & { readonly headers: Readonly<Record<string, string>> }

function targetOf({ url, method, headers, contentType }: Options): Target {
  const { auth, ...where } = urlToHttpOptions(new URL(url))
  return {
    ...{ protocol: where.protocol, hostname: where.hostname, port: where.port, path: where.path, method },
    headers: {
      'user-agent': 'tracelane',
      'content-type': contentType,
      ...(auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}),
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    },
  }
}

function sayingOf({ url, method, headers }: Options, target: Target): Saying {
  const { origin, username, password } = new URL(url)
  const values = [...Object.values(headers), target.headers['authorization'] ?? '', decodeURIComponent(password)]
  // `Bearer x`: a server may repeat the second part alone.
  const parts = values.flatMap((value) => value.split(' '))
  const secrets = [...new Set([...values, ...parts, username])].sort((a, b) => b.length - a.length)
  return { name: `${method} ${origin}`, secrets }
}

/* A copy, in what the options want around each line. */
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

function gzip(bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zlib().gzip(bytes, { level: GZIP_LEVEL }, (error, zipped) => (error === null ? resolve(zipped) : reject(error)))
  })
}
