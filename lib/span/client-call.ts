import { rootOf, type Scope } from '../context'
import { hasSubscribers } from '../event'
import {
  CLOCK_HEADER,
  carriesOwnContext,
  type Getter,
  injectAround,
  receiveReplyClock,
  recordSetter,
  type TargetMatch,
} from '../propagation'
import { type ClientPolicy, targetsNow } from './client-options'
import { openClientScope, toldContext } from './client-span'
import { FIRST_SERVER_ERROR } from './failure'
import { httpSpanName, peerOf } from './http-name'
import { type SpanOutcome, type SpanRecord, spanEnded } from './span-end'

/** The response header that carries the callee's clock back, for clients. */
export const REPLY_CLOCK_HEADER = CLOCK_HEADER

/** How an HTTP call ended. */
export interface CallResult {
  /** The status of the response; undefined if there was none. */
  readonly status?: number | undefined
  /** How it went, if the status does not tell: there was none, or the response broke off after it. */
  readonly outcome?: SpanOutcome | undefined
  readonly error?: string | undefined
}

/** What a client knows before it calls. */
export interface CallTarget extends ClientPolicy {
  readonly method: string
  /** Undefined if the client does not know it; then nothing of ours goes along on a redirect. */
  readonly url: URL | undefined
  /** The path and query of a call whose URL is not known. */
  readonly path?: string | undefined
  /** Whom the call goes to, if the URL does not tell: a socket of this machine. */
  readonly peer?: string | undefined
}

/** Reads a header of the request as the application has set it, by its lower-case name. */
type ReadHeader = (name: string) => unknown

const ownGetter: Getter<ReadHeader> = {
  get(read, key) {
    const value = read(key)
    if (Array.isArray(value)) return value.map(String)
    return value === undefined || value === null ? undefined : String(value)
  },
}

/**
 * One HTTP call of a client, redirects included: a client span, the headers of each hop, and the clock of the reply.
 *
 *   request ── headers() ──▶ first hop ── 302 ── redirected() ──▶ next hop ... ── replied(), end() ──▶ done
 *
 * The headers go to the host that the application called, if the allow-list has it, and on a redirect, which may lead to a stranger, to
 * that host or to one that an allow-list names.
 */
export class ClientCall {
  readonly scope: Scope
  readonly #target: CallTarget
  readonly #start = performance.now()
  /** What stands in the request of the application, and what the present hop got; fetch starts each hop from the former. */
  #first: Readonly<Record<string, string>> = {}
  #sent: Readonly<Record<string, string>> = {}
  readonly #targets: TargetMatch | undefined
  #leftAlone = false
  /** The present hop was told our clock, so its reply may move ours. */
  #clockSent = false
  #ended = false
  #cleanUp: (() => void) | undefined

  constructor(target: CallTarget) {
    this.scope = openClientScope()
    this.#target = target
    this.#targets = targetsNow(target)
  }

  /**
   * The headers to set on the request, by lower-case name; none if the application has set a valid context in one of the formats that
   * are written, which is then left alone with all that belongs to it, and none for a host that is not on the allow-list. Baggage and a
   * correlation id of the application's own stay too.
   */
  headers(read: ReadHeader): Readonly<Record<string, string>> {
    if (!this.#mayTell(this.#target.url)) {
      this.#leftAlone = true
      return this.#first
    }
    this.#leftAlone = carriesOwnContext(read, ownGetter)
    this.#first = this.#leftAlone ? {} : this.#fresh(read)
    this.#clockSent = typeof (this.#leftAlone ? read(CLOCK_HEADER) : this.#first[CLOCK_HEADER]) === 'string'
    return this.#first
  }

  /** The lower-case names of the headers that this call has set. */
  sentNames(): readonly string[] {
    return Object.keys(this.#first)
  }

  /** Whether `name` (any case) with `value` is a header that this call has set. */
  isOurs(name: string, value: unknown): boolean {
    const key = name.toLowerCase()
    return [this.#first, this.#sent].some((set) => Object.hasOwn(set, key) && set[key] === value)
  }

  /** Sets in `headers` what belongs to the hop to `to`: fresh ones of ours for the host of the first hop and for those on an allow-list, else none. */
  redirected(headers: Record<string, unknown>, to: URL | undefined): void {
    if (this.#leftAlone) return
    const own = new Map<string, unknown>()
    for (const name of Object.keys(headers)) {
      if (this.isOurs(name, headers[name])) delete headers[name]
      else own.set(name.toLowerCase(), headers[name])
    }
    this.#sent = to !== undefined && this.#mayFollow(to) ? this.#fresh((name) => own.get(name)) : {}
    this.#clockSent = CLOCK_HEADER in this.#sent
    Object.assign(headers, this.#sent)
  }

  /** Moves the trace's clock past that of a reply, so that what the caller logs next sorts after what the callee logged. */
  replied(clock: unknown): void {
    if (this.#clockSent && typeof clock === 'string') receiveReplyClock(rootOf(this.scope.context), clock)
  }

  /** Calls `cleanUp` when the call has ended. */
  atEnd(cleanUp: () => void): void {
    if (this.#ended) cleanUp()
    else this.#cleanUp = cleanUp
  }

  /** Emits the event of the span, the first time only. */
  end({ status, outcome, error }: CallResult): void {
    if (this.#ended) return
    this.#ended = true
    this.#cleanUp?.()
    if (!this.#target.spans || !hasSubscribers()) return
    const { method, path, url, peer } = this.#target
    const record: SpanRecord = {
      kind: 'client',
      name: httpSpanName(method, url?.href ?? path ?? ''),
      outcome: outcome ?? (status === undefined || status >= FIRST_SERVER_ERROR ? 'error' : 'ok'),
      durationMs: performance.now() - this.#start,
      status,
      peer: peer ?? (url === undefined ? undefined : peerOf(url)),
      error,
      method,
    }
    spanEnded(this.scope, record, this.#target.spans)
  }

  #fresh(own: ReadHeader): Record<string, string> {
    const headers: Record<string, string> = {}
    injectAround(toldContext(this.scope.context, this.#targets), own, ownGetter, headers, recordSetter)
    return headers
  }

  #mayTell(to: URL | undefined): boolean {
    if (this.#targets === undefined) return true
    const host = this.#target.peer ?? (to === undefined ? undefined : peerOf(to))
    return host !== undefined && this.#targets(host)
  }

  /* The same host and port, or one that is on the list; a step from https down to http would show the ids to the network. */
  #mayFollow(to: URL): boolean {
    const { url } = this.#target
    if (url === undefined || (url.protocol === 'https:' && to.protocol !== 'https:')) return false
    return url.host === to.host || (this.#targets !== undefined && this.#mayTell(to))
  }
}
