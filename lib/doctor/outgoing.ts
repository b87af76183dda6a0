import type { ClientRequest } from 'node:http'

/** The ways out that the doctor can hear without touching them. */
export type Transport = 'node:http' | 'undici'

/** The calls to one host, by one package, that were made inside a trace. */
export interface OutgoingCalls {
  readonly host: string
  readonly transport: Transport
  /** The package that made them, as far as `user-agent` says. */
  readonly library: string | undefined
  total: number
  /** Those that did not carry the trace. */
  untold: number
}

/** What undici tells on its channel; `headers` is a list of names and values, or the text of them all. */
export interface UndiciRequest {
  readonly origin?: unknown
  readonly headers?: unknown
}

const TRACE_HEADERS = ['traceparent', 'b3', 'x-b3-traceid', 'uber-trace-id', 'x-amzn-trace-id']
const MAX_PAIRS = 100
/* Node tells of a request when it is sent, by when nobody of the application is on the stack any more. */
const CLIENT = /^(axios|got|node-fetch|superagent|node-superagent)\b/

/** Counts calls by host and package. It keeps at most a hundred pairs; calls of later ones are not counted. */
export class Outgoing {
  readonly #hosts = new Map<string, OutgoingCalls>()

  /** A request of node:http has been sent, inside a trace. */
  http(request: ClientRequest): void {
    const told = TRACE_HEADERS.some((name) => request.hasHeader(name))
    const library = CLIENT.exec(String(request.getHeader('user-agent')))?.[1]
    this.#count('node:http', String(request.getHeader('host') ?? 'an unknown host'), library, told)
  }

  /** A request of undici, or of the `fetch` of Node, is about to be sent, inside a trace. */
  undici({ origin, headers }: UndiciRequest): void {
    const text = (Array.isArray(headers) ? headers.filter((_, i) => i % 2 === 0).join('\n') : String(headers)).toLowerCase()
    const told = TRACE_HEADERS.some((name) => new RegExp(`^${name}\\b`, 'm').test(text))
    this.#count('undici', String(origin ?? 'an unknown host').replace(/^https?:\/\//, ''), undefined, told)
  }

  /** What is known, by host. */
  hosts(): readonly Readonly<OutgoingCalls>[] {
    return [...this.#hosts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, calls]) => calls)
  }

  #count(transport: Transport, host: string, library: string | undefined, told: boolean): void {
    const key = `${host} ${transport} ${library}`
    let calls = this.#hosts.get(key)
    if (calls === undefined) {
      if (this.#hosts.size >= MAX_PAIRS) return
      calls = { host, transport, library, total: 0, untold: 0 }
      this.#hosts.set(key, calls)
    }
    calls.total++
    if (!told) calls.untold++
  }
}
