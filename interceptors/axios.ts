import { complain } from '../lib/diagnostics'
import { processWide } from '../lib/internal/runtime'
import {
  type CallResult,
  ClientCall,
  type ClientPolicy,
  type ClientTraceOptions,
  type FetchDispatcher,
  FIRST_SERVER_ERROR,
  failureText,
  HopDispatcher,
  outcomeOfAbort,
  REPLY_CLOCK_HEADER,
  resolveClientTrace,
} from '../lib/span'

/** Options of `traceAxios`. */
export interface TraceAxiosOptions extends ClientTraceOptions {}

/** What `traceAxios` needs of an axios instance; the default export of axios is one too. */
export interface AxiosLike {
  readonly interceptors: { readonly request: { use: unknown }; readonly response: { use: unknown } }
}

interface AxiosHeadersLike {
  get(name: string): unknown
  set(name: string, value: string): unknown
  delete(name: string): unknown
}

/* `this` is the config, `status` undefined in old versions. */
type Transform = (this: unknown, data: unknown, headers: unknown, status?: number) => unknown

type BeforeRedirect = (options: RedirectOptions, response: RedirectResponse, request: unknown) => void

/* Ours in a config: it leads to the call that the config is of. */
type Judge = BeforeRedirect & { [TRACED]?: Traced }

interface RedirectOptions {
  readonly href?: string
  readonly headers?: Record<string, unknown>
}

interface RedirectResponse {
  readonly headers?: Readonly<Record<string, unknown>>
}

interface CancelTokenLike {
  subscribe(listener: (reason: unknown) => void): void
  unsubscribe(listener: (reason: unknown) => void): void
}

interface RequestConfig {
  readonly method?: string
  readonly url?: string
  readonly baseURL?: string
  readonly allowAbsoluteUrls?: boolean
  readonly headers: AxiosHeadersLike
  readonly adapter?: unknown
  readonly signal?: AbortSignal
  readonly cancelToken?: Partial<CancelTokenLike>
  beforeRedirect?: BeforeRedirect
  fetchOptions?: Readonly<Record<string, unknown>>
  transformResponse?: Transform | readonly Transform[] | null | undefined
}

interface Reply {
  readonly status?: number
  readonly data?: unknown
  readonly headers?: { get?(name: string): unknown } & Readonly<Record<string, unknown>>
  readonly config?: RequestConfig
}

interface Failure {
  readonly config?: RequestConfig
  readonly response?: Reply
  readonly code?: unknown
}

interface Manager<T> {
  use(fulfilled: (value: T) => T, rejected?: ((error: unknown) => unknown) | null, options?: { synchronous: boolean }): number
}

/* What our `beforeRedirect` stands for. The function is the one part of a config that axios hands on through every merge as it is. */
interface Traced {
  readonly call: ClientCall
  readonly original: BeforeRedirect | undefined
}

const instances = processWide('axios.instances.1', () => new WeakSet<object>())
/* By the application's transform, the one that stands for it in each call; and that by itself. */
const transforms = processWide('axios.transforms.1', () => new WeakMap<object, Transform>())
/* On functions of ours, by a symbol of all copies of the kit: a `WeakMap` that each call adds to is work for the garbage collector. */
const TRACED: unique symbol = Symbol.for('tracelane.axios.traced')

/**
 * Makes each call of an axios instance (axios 1.2 or later) send the trace context along, and moves the trace's clock by that of the
 * reply. Returns the same instance.
 *
 * Call it right after `axios.create()`: an earlier response interceptor that replaces the response or the error hides it from
 * ours. A second call on an instance does nothing. A valid `traceparent` set by the application is left alone; a config that is sent again (a
 * retry) gets a new span. On a redirect the headers go to the host that was called and to no other, with the adapters
 * `http` (in `config.beforeRedirect`) and `fetch` (in a dispatcher in `config.fetchOptions`); an adapter of your own follows redirects
 * at its own risk. Throws for wrong options only.
 */
export function traceAxios<I extends AxiosLike>(instance: I, options: TraceAxiosOptions = {}): I {
  const policy = resolveClientTrace('traceAxios', options)
  if (instances.has(instance)) return instance
  instances.add(instance)
  const request = instance.interceptors.request as Manager<RequestConfig>
  const response = instance.interceptors.response as Manager<Reply>
  request.use(
    (config) => {
      quietly(() => open(config, policy))
      return config
    },
    null,
    // Otherwise axios would begin every call of this instance a turn of the event loop later.
    { synchronous: true },
  )
  response.use(
    (reply) => {
      quietly(() => close(reply?.config, reply))
      return reply
    },
    (error) => {
      quietly(() => fail(error))
      return Promise.reject(error)
    },
  )
  return instance
}

function quietly(action: () => void): void {
  try {
    action()
  } catch (error) {
    complain('axios', `a call could not be traced: ${failureText(error)}`)
  }
}

function open(config: RequestConfig, policy: ClientPolicy): void {
  const { headers } = config
  const earlier = tracedOf(config)
  if (earlier !== undefined) forget(config, earlier)
  const call = new ClientCall({ method: (config.method ?? 'get').toUpperCase(), url: urlOf(config), ...policy })
  for (const [name, value] of Object.entries(call.headers((name) => headers.get(name) ?? undefined))) headers.set(name, value)
  config.beforeRedirect = judging(call, config.beforeRedirect)
  config.transformResponse = watchedAll(config.transformResponse)
  if (usesFetch(config.adapter)) {
    const dispatcher = new HopDispatcher(call, config.fetchOptions?.['dispatcher'] as FetchDispatcher | undefined)
    config.fetchOptions = { ...config.fetchOptions, dispatcher }
  }
  watch(config.cancelToken, call)
}

function tracedOf(config: RequestConfig | undefined): Traced | undefined {
  return typeof config?.beforeRedirect === 'function' ? (config.beforeRedirect as Judge)[TRACED] : undefined
}

/* Takes from a config that is sent again what the first time left in it. */
function forget(config: RequestConfig, earlier: Traced): void {
  const { headers } = config
  for (const name of earlier.call.sentNames()) if (earlier.call.isOurs(name, headers.get(name))) headers.delete(name)
  if (earlier.original === undefined) delete config.beforeRedirect
  else config.beforeRedirect = earlier.original
  const { dispatcher, ...others } = config.fetchOptions ?? {}
  if (dispatcher instanceof HopDispatcher) {
    config.fetchOptions = dispatcher.inner === undefined ? others : { ...others, dispatcher: dispatcher.inner }
  }
}

function judging(call: ClientCall, original: BeforeRedirect | undefined): BeforeRedirect {
  const judge: Judge = (options, response, request) => {
    quietly(() => {
      call.replied(response?.headers?.[REPLY_CLOCK_HEADER])
      if (options.headers !== undefined) call.redirected(options.headers, parse(options.href ?? ''))
    })
    original?.(options, response, request)
  }
  judge[TRACED] = { call, original }
  return judge
}

function watchedAll(given: RequestConfig['transformResponse']): RequestConfig['transformResponse'] {
  if (given === undefined || given === null) return given
  const all = typeof given === 'function' ? [given] : given
  return all.map((one) => (typeof one === 'function' ? watched(one) : one))
}

/* What a transform of the reply throws does not know its request; `this` is the config of the call. */
function watched(transform: Transform): Transform {
  const known = transforms.get(transform)
  if (known !== undefined) return known
  const ours: Transform = function transformWatched(data, headers, status) {
    try {
      return transform.call(this, data, headers, status)
    } catch (error) {
      const call = tracedOf(this as RequestConfig | undefined)?.call
      call?.replied(clockOf(headers as Reply['headers']))
      call?.end({ status, outcome: 'error', error: failureText(error) })
      throw error
    }
  }
  transforms.set(transform, ours).set(ours, ours)
  return ours
}

/* The first adapter that Node has is taken; `xhr` is only in browsers. */
function usesFetch(adapter: unknown): boolean {
  return (Array.isArray(adapter) ? adapter.find((name) => name !== 'xhr') : adapter) === 'fetch'
}

/* The error of a cancel token does not know its request. */
function watch(token: Partial<CancelTokenLike> | undefined, call: ClientCall): void {
  if (typeof token?.subscribe !== 'function' || typeof token.unsubscribe !== 'function') return
  const cancelled = (reason: unknown): void => call.end({ outcome: 'aborted', error: failureText(reason) })
  token.subscribe(cancelled)
  call.atEnd(() => token.unsubscribe?.(cancelled))
}

function close(
  config: RequestConfig | undefined,
  { status, headers }: Reply,
  broken?: Pick<CallResult, 'outcome' | 'error'>,
): void {
  const call = tracedOf(config)?.call
  call?.replied(clockOf(headers))
  call?.end({ status, ...broken })
}

function clockOf(headers: Reply['headers']): unknown {
  return typeof headers?.get === 'function' ? headers.get(REPLY_CLOCK_HEADER) : headers?.[REPLY_CLOCK_HEADER]
}

function fail(error: unknown): void {
  if (typeof error !== 'object' || error === null) return
  const { config, response, code } = error as Failure
  if (response === undefined) {
    const outcome = code === 'ERR_CANCELED' ? outcomeOfAbort(config?.signal) : 'error'
    tracedOf(config)?.call.end({ outcome, error: failureText(error) })
  } else {
    const broken = isBroken(response, code) ? ({ outcome: 'aborted', error: failureText(error) } as const) : undefined
    close(config ?? response.config, response, broken)
  }
}

/* A response without a body is one that broke off in it, unless a mock refused its status: axios has '' for an empty one. */
function isBroken({ status = 0, data }: Reply, code: unknown): boolean {
  const isRefused = code === 'ERR_BAD_REQUEST' || (code === 'ERR_BAD_RESPONSE' && status >= FIRST_SERVER_ERROR)
  return data === undefined && typeof code === 'string' && !isRefused
}

function urlOf({ url = '', baseURL, allowAbsoluteUrls }: RequestConfig): URL | undefined {
  const isAbsolute = /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url)
  if (baseURL === undefined || (isAbsolute && allowAbsoluteUrls !== false)) return parse(url)
  return parse(url === '' ? baseURL : `${baseURL.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`)
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}
