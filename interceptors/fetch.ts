import { complain } from '../lib/diagnostics'
import {
  ClientCall,
  type ClientPolicy,
  type ClientTraceOptions,
  type FetchDispatcher,
  failureText,
  HopDispatcher,
  outcomeOfAbort,
  REPLY_CLOCK_HEADER,
  resolveClientTrace,
} from '../lib/span'

/** Options of `traceFetch`. */
export interface TraceFetchOptions extends ClientTraceOptions {}

/** Any function that is called like `fetch`: Node's own, that of the undici package, node-fetch, a mock. */
export type FetchFunction = (input: never, init?: never) => Promise<unknown>

type GivenHeaders = ConstructorParameters<typeof Headers>[0]
type Init = Omit<RequestInit, 'dispatcher'> & { readonly dispatcher?: FetchDispatcher | undefined }
type Fetch = (input?: unknown, init?: Init) => Promise<unknown>

interface Prepared {
  readonly call: ClientCall
  readonly init: Init
  readonly signal: AbortSignal | null | undefined
}

const TRACED = Symbol.for('tracelane.fetch')

const INIT_KEYS: readonly string[] = [
  ...['method', 'headers', 'body', 'duplex', 'signal', 'redirect', 'referrer', 'referrerPolicy', 'dispatcher'],
  ...['mode', 'credentials', 'cache', 'integrity', 'keepalive', 'window', 'priority'],
]

/**
 * A `fetch` that sends the trace context along and moves the trace's clock by that of the reply.
 *
 * Redirects: the headers go to the host that was called and to no other. That is judged hop by hop in an undici dispatcher
 * around the one in `init.dispatcher`, or around the global one; a `fetch` that knows no dispatchers (node-fetch, a mock) gets the headers
 * on the request, and what it does with them on a redirect is its own. A dispatcher inside a `Request` object cannot be seen from Node 24
 * on: give it in `init`. Of several hops only the last reply moves the clock, because `fetch` shows no other. A valid `traceparent` set by the
 * caller is left alone. The span ends with the head of the response.
 * Throws for wrong options only; calls fail and succeed as without it.
 */
export function traceFetch(fetch?: undefined, options?: TraceFetchOptions): typeof globalThis.fetch
export function traceFetch<F extends FetchFunction>(fetch: F, options?: TraceFetchOptions): F
export function traceFetch(fetch?: FetchFunction, options: TraceFetchOptions = {}): unknown {
  const policy = resolveClientTrace('traceFetch', options)
  const base = (fetch ?? globalThis.fetch) as unknown as Fetch & { readonly [TRACED]?: true }
  if (base[TRACED] === true) return base

  async function traced(...args: [unknown?, Init?]): Promise<unknown> {
    const prepared = args.length === 0 ? undefined : prepare(args[0], args[1], policy)
    if (prepared === undefined) return base(...args)
    const { call, init, signal } = prepared
    let response: unknown
    try {
      response = await base(args[0], init)
    } catch (error) {
      call.end({ outcome: signal?.aborted === true ? outcomeOfAbort(signal) : 'error', error: failureText(error) })
      throw error
    }
    const { status, headers } = (response ?? {}) as Partial<Response>
    if (typeof headers?.get === 'function') call.replied(headers.get(REPLY_CLOCK_HEADER))
    call.end({ status, outcome: status === undefined ? 'ok' : undefined })
    return response
  }
  Object.defineProperty(traced, 'name', { value: base.name, configurable: true })
  Object.defineProperty(traced, TRACED, { value: true })
  return traced
}

/* What to call with; undefined for a call that is not ours to trace, which then goes its way untouched. Never throws. */
function prepare(input: unknown, init: Init | null | undefined, policy: ClientPolicy): Prepared | undefined {
  try {
    const given = recordOf(init ?? {})
    const request = asRequest(input)
    const url = new URL(request?.url ?? String(input))
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
    const method = (given.method ?? request?.method ?? 'GET').toUpperCase()
    const call = new ClientCall({ method, url, ...policy })
    const headers = given.headers ?? request?.headers
    const known = new Headers(headers)
    const ours = call.headers((name) => known.get(name) ?? undefined)
    const signal = given.signal ?? request?.signal
    const kept = request === undefined ? given : { ...referrerOf(request), ...given }
    if (Object.keys(ours).length === 0) {
      // A list may be an iterator that can be read once, and it has been.
      return { call, init: isRecord(given.headers) ? given : { ...given, headers: known }, signal }
    }
    const dispatcher = new HopDispatcher(call, given.dispatcher ?? dispatcherOf(request))
    return { call, init: { ...kept, headers: added(headers, known, ours), dispatcher }, signal }
  } catch (error) {
    // A wrong URL or header: fetch says so itself, and better.
    if (!(error instanceof TypeError)) complain('fetch', `a call could not be traced: ${failureText(error)}`)
    return undefined
  }
}

/* An init may be any object, also a Request, whose properties are no own ones: they are read as fetch would read them. */
function recordOf(init: Init): Init {
  if (Object.getPrototypeOf(init) === Object.prototype) return init
  const given = init as Readonly<Record<string, unknown>>
  return Object.fromEntries(INIT_KEYS.filter((key) => given[key] !== undefined).map((key) => [key, given[key]])) as Init
}

function asRequest(input: unknown): Request | undefined {
  return typeof input === 'object' && input !== null && typeof (input as Request).url === 'string'
    ? (input as Request)
    : undefined
}

/* `fetch(request, init)` with any init forgets the referrer of the request, so it is said again. */
function referrerOf({ referrer, referrerPolicy }: Request): Pick<Init, 'referrer' | 'referrerPolicy'> {
  return referrer === undefined ? {} : { referrer, referrerPolicy }
}

function isRecord(headers: GivenHeaders): headers is Record<string, string> | undefined {
  return Object.getPrototypeOf(headers ?? {}) === Object.prototype
}

/* A record stays one, because fetch sends its names in the case in which they were given. */
function added(given: GivenHeaders, known: Headers, ours: Readonly<Record<string, string>>): Headers | Record<string, string> {
  if (!isRecord(given)) {
    for (const [name, value] of Object.entries(ours)) known.set(name, value)
    return known
  }
  const kept = Object.entries(given ?? {}).filter(([name]) => !Object.hasOwn(ours, name.toLowerCase()))
  return { ...Object.fromEntries(kept), ...ours }
}

/* Node 20 and 22 keep the dispatcher of a Request under a symbol; later ones in a private field. */
function dispatcherOf(request: Request | undefined): FetchDispatcher | undefined {
  if (request === undefined) return undefined
  const key = Object.getOwnPropertySymbols(request).find((symbol) => symbol.description === 'dispatcher')
  return key === undefined ? undefined : (request as unknown as Record<symbol, FetchDispatcher | undefined>)[key]
}
