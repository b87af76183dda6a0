import type { Agent, RequestOptions } from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { http, https, zlib } from '../../internal/builtin'
import type { Saying } from './answer'
import { exchange, type Reply } from './exchange'
import type { HttpTargetOptions } from './target-options'

/** What does not get smaller by enough to be worth the way through another thread. */
const MIN_GZIP_BYTES = 1024
/** Half the time of zlib's default for bodies that are a tenth larger (docs/reference/sinks/http.md). */
const GZIP_LEVEL = 1

const MIN_CHUNK_BYTES = 16 * 1024

const CLOSED: Reply = { failure: 'the sink was closed', stale: false }

/** A body as it goes over the wire. */
export interface PackedBody {
  readonly body: Uint8Array
  readonly isZipped: boolean
}

/** Requests to one address, over connections that are kept and used again. Nothing is connected before the first one. */
export class HttpClient {
  /** What may be said of it. */
  readonly saying: Saying
  readonly #options: Required<HttpTargetOptions>
  readonly #target: Target
  #agent: Agent | undefined
  #closed = false

  constructor(options: Required<HttpTargetOptions>, method: string, contentType: string) {
    this.#options = options
    this.#target = targetOf(options, method, contentType)
    this.saying = sayingOf(options, method, this.#target)
  }

  /** Makes a body as it is sent: compressed, if it shall be. `bytes` must stay as they are. Rejects if that fails. */
  async pack(bytes: Uint8Array): Promise<PackedBody> {
    const isZipped = this.#options.gzip && bytes.length >= MIN_GZIP_BYTES
    return { body: isZipped ? await gzip(bytes) : bytes, isZipped }
  }

  /** Sends a body, to another path of the same address if one is given. Never rejects. */
  async send(
    { body, isZipped }: PackedBody,
    headers: Readonly<Record<string, string | number>> = {},
    path?: string,
  ): Promise<Reply> {
    if (this.#closed) return CLOSED
    const { timeoutMs } = this.#options
    const request: RequestOptions = {
      ...this.#target,
      ...(path === undefined ? {} : { path }),
      agent: this.#openAgent(),
      headers: {
        ...this.#target.headers,
        ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
        'content-length': body.length,
        ...headers,
      },
    }
    const send = this.#isTls ? https().request : http().request
    const until = performance.now() + timeoutMs
    for (;;) {
      const restMs = Math.max(Math.ceil(until - performance.now()), 1)
      const reply = await exchange(send, request, body, { ...this.#options, timeoutMs: restMs })
      // Each round uses up a connection that was kept, so this comes to an end.
      if (reply.head !== undefined || !reply.stale || this.#closed) return reply
    }
  }

  /** Gives up what is on its way. Idempotent. */
  close(): void {
    this.#closed = true
    this.#agent?.destroy()
  }

  get #isTls(): boolean {
    return this.#target.protocol === 'https:'
  }

  #openAgent(): Agent {
    this.#agent ??= this.#isTls
      ? new (https().Agent)({ keepAlive: true, ...(this.#options.tls as object) })
      : new (http().Agent)({ keepAlive: true })
    return this.#agent
  }
}

type Target = RequestOptions & { readonly headers: Readonly<Record<string, string>> }

function targetOf({ url, headers }: HttpTargetOptions, method: string, contentType: string): Target {
  const { auth, ...where } = urlToHttpOptions(new URL(url))
  return {
    ...{ protocol: where.protocol, hostname: where.hostname, port: where.port, path: where.path, method },
    headers: {
      'user-agent': 'tracelane',
      'content-type': contentType,
      ...(auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}),
      ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    },
  }
}

function sayingOf({ url, headers }: HttpTargetOptions, method: string, target: Target): Saying {
  const { origin, username, password } = new URL(url)
  const values = [...Object.values(headers ?? {}), target.headers['authorization'] ?? '', decodeURIComponent(password)]
  // `Bearer x`: a server may repeat the second part alone.
  const parts = values.flatMap((value) => value.split(' '))
  const secrets = [...new Set([...values, ...parts, username])].sort((a, b) => b.length - a.length)
  return { name: `${method} ${origin}`, secrets }
}

function gzip(bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Room for all that comes out, as a rule: each further piece is another way to the other thread and back.
    const chunkSize = Math.max(bytes.length >> 2, MIN_CHUNK_BYTES)
    zlib().gzip(bytes, { level: GZIP_LEVEL, chunkSize }, (error, zipped) => (error === null ? resolve(zipped) : reject(error)))
  })
}
