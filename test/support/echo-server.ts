import type { IncomingHttpHeaders } from 'node:http'
import { serve, type TestServer } from './http-server'

/** One request as the server saw it. */
export interface Seen {
  readonly host: string
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that remembers what it was sent. */
export interface EchoServer extends TestServer {
  readonly seen: Seen[]
  /** Set to send this clock back with every reply. */
  replyClock: string | undefined
  /** Resolves when a request to `/hang`, which is never answered, has come in. */
  hanging(): Promise<void>
}

/**
 * Starts a server with the routes `/status/NNN`, `/hang`, `/reset` (breaks the connection), `/broken` (does so in the body of the response),
 * `/redirect?to=URL&status=NNN`, and for any other path a reply with the request's body.
 */
export async function serveEcho(): Promise<EchoServer> {
  const seen: Seen[] = []
  let wake = (): void => undefined
  const hung = new Promise<void>((resolve) => {
    wake = resolve
  })
  const server = await serve(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const url = new URL(req.url ?? '/', 'http://local')
    const body = Buffer.concat(chunks).toString()
    seen.push({ host: req.headers.host ?? '', method: req.method ?? '', path: url.pathname, headers: req.headers, body })
    if (echo.replyClock !== undefined) res.setHeader('tracelane-clock', echo.replyClock)
    if (url.pathname === '/hang') return wake()
    if (url.pathname === '/reset') return void req.socket.destroy()
    if (url.pathname === '/broken') {
      return void res.writeHead(200, { 'content-length': 100 }).write('part', () => req.socket.destroy())
    }
    const to = url.searchParams.get('to')
    if (to !== null) return void res.writeHead(Number(url.searchParams.get('status') ?? 302), { location: to }).end()
    const [, status] = /^\/status\/(\d+)$/.exec(url.pathname) ?? []
    res.writeHead(Number(status ?? 200), { 'content-type': 'text/plain' }).end(body)
  })
  const echo: EchoServer = { ...server, seen, replyClock: undefined, hanging: () => hung }
  return echo
}

/** A path of the echo server that redirects to each of `urls` in turn. */
export function redirectPath(urls: readonly string[], status = 302): string {
  const [first, ...more] = urls
  const to = more.length === 0 ? first : `${new URL(first as string).origin}${redirectPath(more, status)}`
  return `/redirect?status=${status}&to=${encodeURIComponent(to as string)}`
}

/** The headers of `seen` that are ours. */
export function ourHeaders({ headers }: Seen): string[] {
  return ['traceparent', 'tracestate', 'tracelane-clock', 'tracelane-level', 'baggage'].filter(
    (name) => headers[name] !== undefined,
  )
}
