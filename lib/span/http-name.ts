const MAX_LENGTH = 256

/**
 * The name of an HTTP span: `GET /orders/7`, at most 256 characters, never with a query string, a fragment or credentials.
 *
 * `target` is a URL, or what stands in a request line: a path with a query, an absolute URL or `*`.
 */
export function httpSpanName(method: string, target: string): string {
  return `${method} ${pathOf(target)}`.slice(0, MAX_LENGTH)
}

/** `host:port` of a URL, with the port that its scheme implies. */
export function peerOf(url: URL): string {
  const port = url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80'
  return `${url.hostname}:${port}`
}

function pathOf(target: string): string {
  if (target.startsWith('/')) return target.slice(0, end(target))
  if (target === '*') return target
  try {
    return new URL(target).pathname
  } catch {
    return '/'
  }
}

function end(path: string): number {
  const at = path.search(/[?#]/)
  return at === -1 ? path.length : at
}
