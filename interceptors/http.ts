import type { EventEmitter } from 'node:events'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import * as nodeHttp from 'node:http'
import { urlToHttpOptions } from 'node:url'
import { currentFlow, type Flow, runInScope } from '../lib/context'
import { complain } from '../lib/diagnostics'
import {
  ClientCall,
  type ClientPolicy,
  type ClientTraceOptions,
  failureText,
  outcomeOfAbort,
  REPLY_CLOCK_HEADER,
  resolveClientTrace,
} from '../lib/span'

/** Options of `traceHttp`. */
export interface TraceHttpOptions extends ClientTraceOptions {}

/** What `traceHttp` needs of `node:http`, `node:https` or a module that is called like them. */
export interface HttpModule {
  readonly request: (...args: never[]) => ClientRequest
  readonly get: (...args: never[]) => ClientRequest
}

type Request = (...args: unknown[]) => ClientRequest
type GivenHeaders = RequestOptions['headers'] | readonly (readonly [string, string])[]

interface Given {
  readonly url: string | URL | undefined
  readonly options: RequestOptions
  readonly callback: unknown
}

const TRACED = Symbol.for('tracelane.http')

/**
 * A module like `node:http` (the default) or `node:https` whose `request` and `get` send the trace context along, and move the
 * trace's clock by that of the reply. The module that is given is not changed; all else in the result is that module's own.
 *
 * All forms of arguments are taken. Each call is a new span under the caller's, or a new trace outside any; every event of the
 * request and of the response, and their callbacks, run in the scope in which the call was made. A valid `traceparent` set by the
 * caller is left alone. A library that follows redirects makes a call of each hop, so give `targets` where they may lead to strangers. The span ends with the body of the response: a response that is neither read nor destroyed does not end it. Throws for
 * wrong options only; calls fail and succeed as without it.
 */
export function traceHttp(module?: undefined, options?: TraceHttpOptions): typeof nodeHttp
export function traceHttp<M extends HttpModule>(module: M, options?: TraceHttpOptions): M
export function traceHttp(module: HttpModule = nodeHttp, options: TraceHttpOptions = {}): unknown {
  const policy = resolveClientTrace('traceHttp', options)
  const base = module.request as unknown as Request & { readonly [TRACED]?: true }
  if (base[TRACED] === true) return module

  const request = (...args: unknown[]): ClientRequest => {
    const prepared = prepare(args, module, policy)
    if (prepared === undefined) return base.apply(module, args)
    const { call, url, given } = prepared
    try {
      const made = base.apply(module, url === undefined ? given : [url, ...given])
      new TracedRequest(call, made, prepared.signal)
      return made
    } catch (error) {
      call.end({ outcome: 'error', error: failureText(error) })
      throw error
    }
  }
  const get = (...args: unknown[]): ClientRequest => {
    const made = request(...args)
    made.end()
    return made
  }
  Object.defineProperty(request, TRACED, { value: true })
  const own = (value: unknown): PropertyDescriptor => ({ value, enumerable: true, writable: true, configurable: true })
  return Object.create(module, { request: own(request), get: own(get) })
}

interface Prepared {
  readonly call: ClientCall
  readonly url: string | URL | undefined
  readonly given: unknown[]
  readonly signal: AbortSignal | undefined
}

/* What to call with; undefined for arguments that node:http itself will refuse, and better. */
function prepare(args: readonly unknown[], module: HttpModule, policy: ClientPolicy): Prepared | undefined {
  try {
    const { url, options, callback } = argumentsOf(args)
    const merged =
      url === undefined ? options : { ...urlToHttpOptions(new URL(typeof url === 'string' ? url : url.href)), ...options }
    const call = new ClientCall(targetOf(merged, module, policy))
    const headers = added(options.headers, call)
    return { call, url, given: [{ ...options, headers }, callback], signal: options.signal }
  } catch (error) {
    if (!(error instanceof TypeError)) complain('http', `a call could not be traced: ${failureText(error)}`)
    return undefined
  }
}

/* `(url, options, callback)`, `(url, callback)` or `(options, callback)`, as node:http reads them. */
function argumentsOf(args: readonly unknown[]): Given {
  const [first, second, third] = args
  if (typeof first !== 'string' && !isUrl(first)) {
    return { url: undefined, options: (first ?? {}) as RequestOptions, callback: second }
  }
  if (typeof second === 'function') return { url: first, options: {}, callback: second }
  return { url: first, options: (second ?? {}) as RequestOptions, callback: third }
}

/* As Node tells: a URL of another realm, or of a polyfill, is one too. */
function isUrl(value: unknown): value is URL {
  const { href, protocol, auth, path } = (value ?? {}) as Record<string, unknown>
  return Boolean(href && protocol) && auth === undefined && path === undefined
}

function targetOf(
  options: RequestOptions,
  module: HttpModule,
  policy: ClientPolicy,
): ConstructorParameters<typeof ClientCall>[0] {
  const { method, socketPath, path } = options
  const agent = (options.agent || (module as { globalAgent?: unknown }).globalAgent) as {
    protocol?: string
    defaultPort?: number
  }
  const protocol = options.protocol ?? agent?.protocol ?? 'http:'
  const host = options.hostname || options.host || 'localhost'
  const port = options.port || options.defaultPort || agent?.defaultPort || ''
  const origin = `${protocol}//${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}${port === '' ? '' : `:${port}`}`
  const url = URL.canParse(origin) ? new URL(pathOf(path ?? '/'), origin) : undefined
  const peer = socketPath === undefined ? undefined : `unix:${socketPath}`
  return { method: (method ?? 'GET').toUpperCase(), url, ...policy, peer }
}

/* A proxy is asked for a whole URL, or to connect to `host:port`. */
function pathOf(path: string): string {
  if (path.startsWith('/')) return `/${path.replace(/^\/+/, '')}`
  return /^https?:\/\//i.test(path) && URL.canParse(path) ? new URL(path).pathname : '/'
}

/* A record stays one, with its names in the case in which they were given; a list stays a list, flat or of pairs. */
function added(given: GivenHeaders, call: ClientCall): Record<string, unknown> | readonly unknown[] {
  if (!Array.isArray(given)) {
    const known = Object.entries(given ?? {})
    const ours = call.headers(reader(known))
    return { ...Object.fromEntries(known.filter(([name]) => !isIn(ours, name))), ...ours }
  }
  const flat = !Array.isArray(given[0])
  const pairs: [string, unknown][] = flat
    ? Array.from({ length: given.length / 2 }, (_, i) => [String(given[2 * i]), given[2 * i + 1]])
    : (given as [string, unknown][])
  const ours = call.headers(reader(pairs))
  const all = [...pairs.filter(([name]) => !isIn(ours, name)), ...Object.entries(ours)]
  return flat ? all.flat() : all
}

function reader(pairs: readonly (readonly [string, unknown])[]): (name: string) => unknown {
  return (name) => pairs.find(([known]) => known.toLowerCase() === name)?.[1]
}

function isIn(ours: Readonly<Record<string, string>>, name: string): boolean {
  return Object.hasOwn(ours, name.toLowerCase())
}

/**
 * One request, from its making to the end of its response.
 *
 * `emit` of both is replaced, not listened to: a listener for 'response' would keep Node from throwing away a response that nobody
 * wants, and one for 'error' would hide an error that nobody handles.
 */
class TracedRequest {
  readonly #caller: Flow | undefined = currentFlow()
  readonly #call: ClientCall
  readonly #signal: AbortSignal | undefined
  #response: IncomingMessage | undefined
  #timedOut = false
  #givenUp = false

  constructor(call: ClientCall, request: ClientRequest, signal: AbortSignal | undefined) {
    this.#call = call
    this.#signal = signal
    this.#watch(request, (event, value) => this.#requestSaid(event, value))
    const { write, destroy } = request
    hide(request, 'write', (...args: unknown[]) =>
      write.apply(request, args.map((arg) => this.#bound(arg)) as Parameters<typeof write>),
    )
    hide(request, 'destroy', (error?: Error) => {
      this.#givenUp ||= error === undefined || error === null
      return destroy.call(request, error)
    })
  }

  #watch(emitter: EventEmitter, said: (event: unknown, value: unknown) => void): void {
    const { emit } = emitter
    hide(emitter, 'emit', (...args: Parameters<typeof emit>) => {
      said(args[0], args[1])
      const told = (): boolean => emit.apply(emitter, args)
      return currentFlow() === this.#caller ? told() : runInScope(this.#caller, told)
    })
  }

  #requestSaid(event: unknown, value: unknown): void {
    if (event === 'response') this.#replied(value as IncomingMessage)
    else if (event === 'upgrade' || event === 'connect') {
      const { headers, statusCode } = value as IncomingMessage
      this.#call.replied(headers[REPLY_CLOCK_HEADER])
      this.#call.end({ status: statusCode })
    } else if (event === 'timeout') this.#timedOut = true
    else if (event === 'error') this.#failed(value)
    else if (event === 'close') this.#closed()
  }

  #replied(response: IncomingMessage): void {
    this.#response = response
    this.#call.replied(response.headers[REPLY_CLOCK_HEADER])
    this.#watch(response, (event, value) => {
      const status = response.statusCode
      if (event === 'end') this.#call.end({ status })
      else if (event === 'error') this.#call.end({ status, outcome: 'aborted', error: failureText(value) })
      else if (event === 'close') this.#call.end({ status, outcome: 'aborted' })
    })
  }

  #failed(error: unknown): void {
    const status = this.#response?.statusCode
    const byUser = this.#givenUp && !this.#timedOut && this.#response === undefined
    const outcome = this.#signal?.aborted === true ? outcomeOfAbort(this.#signal) : byUser ? 'aborted' : 'error'
    const text = this.#timedOut && this.#givenUp ? 'timed out' : failureText(error)
    this.#call.end({ status, outcome, error: text })
  }

  /* The connection may be gone with a response in memory that is still to be read; then all of it has come. */
  #closed(): void {
    const response = this.#response
    if (response === undefined) this.#call.end({ outcome: 'aborted' })
    else if (response.complete) this.#call.end({ status: response.statusCode })
  }

  #bound(arg: unknown): unknown {
    return typeof arg === 'function' ? (error: unknown) => runInScope(this.#caller, () => arg(error)) : arg
  }
}

function hide(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false })
}
