import { currentFlow, type Flow, runInScope } from '../lib/context'
import { complain } from '../lib/diagnostics'
import {
  type CallResult,
  ClientCall,
  type ClientPolicy,
  type ClientTraceOptions,
  failureText,
  JUDGED,
  outcomeOfAbort,
  REPLY_CLOCK_HEADER,
  resolveClientTrace,
} from '../lib/span'

/** Options of `traceDispatcher`. */
export interface TraceDispatcherOptions extends ClientTraceOptions {}

/** The `dispatch` of undici, of any version: `(options, handler) => boolean`. */
export type Dispatch = (options: never, handler: never) => boolean

interface Options {
  readonly origin?: string | URL | null
  readonly path?: string
  readonly method?: string
  readonly headers?: unknown
  readonly signal?: unknown
  readonly maxRedirections?: number
  readonly [JUDGED]?: true
}

type Pairs = readonly (readonly [string, unknown])[]
type Method = (this: unknown, ...args: unknown[]) => unknown
type Handler = Readonly<Record<string, unknown>>

/* All that undici calls on a handler, in its older form (up to 6) and its newer one. */
const METHODS = [
  ...['onConnect', 'onUpgrade', 'onResponseStarted', 'onHeaders', 'onData', 'onComplete', 'onError', 'onBodySent'],
  ...['onRequestSent', 'onRequestStart', 'onRequestUpgrade', 'onResponseStart', 'onResponseData', 'onResponseEnd'],
  'onResponseError',
]
const FIRST_FINAL = 200

/**
 * An interceptor for undici 6 and later, `agent.compose(traceDispatcher())`, that sends the trace context along with each call, and moves
 * the trace's clock by that of the reply. What undici calls back runs in the scope in which the call was made.
 *
 * Put it first, nearest to the wire, and undici's `redirect` right after it: its hops are then one span, and a redirect to another host
 * takes no header of ours along. Each attempt of `retry` is a span of its own. Calls with undici 6's `maxRedirections` get no header, because nobody could take it off again.
 * The calls of a `Client` or a `Pool` of one origin need not name it; then nothing of ours goes along on a redirect, nor where there is an allow-list.
 * For `fetch` use `traceFetch`, which judges its redirects; a `fetch` traced by it is not traced twice, nor is a call when this is composed
 * twice. Throws for wrong options only; calls fail and
 * succeed as without it.
 */
export function traceDispatcher(options: TraceDispatcherOptions = {}): <D extends Dispatch>(dispatch: D) => D {
  const policy = resolveClientTrace('traceDispatcher', options)
  // A redirect dispatches again with the same handler: the same call goes on.
  const calls = new WeakMap<object, DispatchedCall>()

  return <D extends Dispatch>(dispatch: D): D => {
    const next = dispatch as unknown as (options: Options, handler: Handler) => boolean
    // undici checks the arity, which must be 2
    const traced = (options: Options, handler: Handler): boolean => {
      const prepared = prepare(options, handler, calls, policy)
      if (prepared === undefined) return next(options, handler)
      const { call, headers } = prepared
      try {
        return next({ ...options, headers, [JUDGED]: true }, call.watched(handler))
      } catch (error) {
        call.failed(error)
        throw error
      }
    }
    return traced as unknown as D
  }
}

interface Prepared {
  readonly call: DispatchedCall
  readonly headers: unknown
}

function prepare(
  options: Options,
  handler: Handler,
  calls: WeakMap<object, DispatchedCall>,
  policy: ClientPolicy,
): Prepared | undefined {
  try {
    if (options[JUDGED] === true) return undefined
    const { headers } = options
    const pairs = pairsOf(headers)
    const { path, url } = targetOf(options)
    const earlier = calls.get(handler)
    if (earlier !== undefined && !earlier.ended) return { call: earlier, headers: shapedAs(headers, earlier.again(pairs, url)) }
    const made = new ClientCall({ method: (options.method ?? 'GET').toUpperCase(), path, url, ...policy })
    const call = new DispatchedCall(made, options.signal)
    calls.set(handler, call)
    const travels = (options.maxRedirections ?? 0) > 0
    return { call, headers: travels ? headers : shapedAs(headers, added(pairs, made)) }
  } catch (error) {
    // Wrong options: undici says so itself, and better.
    if (!(error instanceof TypeError)) complain('undici', `a call could not be traced: ${failureText(error)}`)
    return undefined
  }
}

/* The calls of a `Client` or `Pool` need not name the origin that it was made for, and then nobody here knows it. */
function targetOf({ path = '/', origin }: Options): { readonly path: string; readonly url: URL | undefined } {
  const own = path.startsWith('/') ? path.replace(/^\/+/, '/') : '/'
  return { path: own, url: origin === undefined || origin === null ? undefined : new URL(own, origin) }
}

function added(pairs: Pairs, call: ClientCall): Pairs {
  const ours = call.headers((name) => pairs.find(([known]) => known.toLowerCase() === name)?.[1])
  return [...pairs.filter(([name]) => !Object.hasOwn(ours, name.toLowerCase())), ...Object.entries(ours)]
}

/* undici takes a flat list, an iterable of pairs, or a record. */
function pairsOf(headers: unknown): Pairs {
  if (headers === undefined || headers === null) return []
  if (Array.isArray(headers)) {
    if (headers.length % 2 !== 0) throw new TypeError('a flat list of headers has an even length')
    return Array.from({ length: headers.length / 2 }, (_, i) => [String(headers[2 * i]), headers[2 * i + 1]])
  }
  if (typeof headers !== 'object') throw new TypeError('headers are an object')
  return isIterable(headers) ? [...(headers as Iterable<[string, unknown]>)] : Object.entries(headers)
}

function shapedAs(given: unknown, pairs: Pairs): unknown {
  return isIterable(given) ? pairs.flat() : Object.fromEntries(pairs)
}

function isIterable(headers: unknown): boolean {
  return typeof (headers as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === 'function'
}

/** One call: a dispatch, and those that follow its redirects. */
class DispatchedCall {
  ended = false
  readonly #caller: Flow | undefined = currentFlow()
  readonly #call: ClientCall
  readonly #signal: AbortSignal | undefined
  #hops = 1
  #status: number | undefined

  constructor(call: ClientCall, signal: unknown) {
    this.#call = call
    this.#signal = signal instanceof AbortSignal ? signal : undefined
  }

  /** The headers of a next hop. Names that are ours are never repeated, so they are judged as a record; the others stay as they are. */
  again(pairs: Pairs, url: URL | undefined): Pairs {
    this.#hops++
    this.#status = undefined
    const names = new Set([...this.#call.sentNames(), 'baggage'])
    const isOurs = ([name]: readonly [string, unknown]): boolean => names.has(name.toLowerCase())
    const judged = Object.fromEntries(pairs.filter(isOurs))
    this.#call.redirected(judged, url)
    return [...pairs.filter((pair) => !isOurs(pair)), ...Object.entries(judged)]
  }

  /**
   * A handler that passes all on to `handler`, in the caller's scope. It has the methods that the given one has and no others, because
   * undici takes their presence for the version and the wishes of a handler.
   */
  watched(handler: Handler): Handler {
    const passed: Record<string, Method> = {}
    for (const name of METHODS) {
      const method = handler[name]
      if (typeof method !== 'function') continue
      passed[name] = (...args) => {
        const hop = this.#hops
        const isEnd = name === 'onComplete' || name === 'onResponseEnd'
        if (!isEnd) this.#heard(name, args)
        const tell = (): unknown => (method as Method).apply(handler, args)
        try {
          return currentFlow() === this.#caller ? tell() : runInScope(this.#caller, tell)
        } finally {
          // A redirect's next hop is dispatched by the end of the one before
          if (isEnd && hop === this.#hops) this.#end({ status: this.#status })
        }
      }
    }
    return passed
  }

  failed(error: unknown): void {
    const isAbort = (error as { name?: unknown } | undefined)?.name === 'AbortError'
    const isLate = this.#signal?.aborted === true && outcomeOfAbort(this.#signal) === 'error'
    const isBroken = isAbort || this.#status !== undefined || this.#signal?.aborted === true
    this.#end({ status: this.#status, outcome: !isLate && isBroken ? 'aborted' : 'error', error: failureText(error) })
  }

  /* The older form has the status first; the newer one has a controller before it. */
  #heard(name: string, args: readonly unknown[]): void {
    const [first, second, third] = args
    if (name === 'onHeaders') this.#answered(first, clockIn(second))
    else if (name === 'onUpgrade') this.#upgraded(first, clockIn(second))
    else if (name === 'onResponseStart') this.#answered(second, (third as Handler | undefined)?.[REPLY_CLOCK_HEADER])
    else if (name === 'onRequestUpgrade') this.#upgraded(second, (third as Handler | undefined)?.[REPLY_CLOCK_HEADER])
    else if (name === 'onError') this.failed(first)
    else if (name === 'onResponseError') this.failed(second)
  }

  #answered(status: unknown, clock: unknown): void {
    if (typeof status !== 'number' || status < FIRST_FINAL) return
    this.#call.replied(clock)
    this.#status = status
  }

  #upgraded(status: unknown, clock: unknown): void {
    this.#call.replied(clock)
    this.#end({ status: typeof status === 'number' ? status : undefined, outcome: 'ok' })
  }

  #end(result: CallResult): void {
    this.ended = true
    this.#call.end(result)
  }
}

/* Raw headers: names and values in turn, as bytes. */
function clockIn(raw: unknown): string | undefined {
  if (!Array.isArray(raw)) return undefined
  const at = raw.findIndex((name, i) => i % 2 === 0 && String(name).toLowerCase() === REPLY_CLOCK_HEADER)
  return at === -1 ? undefined : String(raw[at + 1])
}
