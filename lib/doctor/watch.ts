import { AsyncLocalStorage, executionAsyncId } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { currentScope, type Scope } from '../context'
import { complain } from '../diagnostics'
import { reasonOf } from '../event'
import { probe } from '../internal/probe'
import { copyLoaded, type LoadedCopy, processWide } from '../internal/runtime'
import { CallSites } from './call-sites'
import { Outgoing, type UndiciRequest } from './outgoing'
import { type RequestMark, Requests } from './requests'

/** What was seen since somebody began to watch. */
export interface Seen {
  readonly sites: CallSites
  readonly requests: Requests
  readonly outgoing: Outgoing
  /** Other realms (contexts of node:vm) that have loaded tracelane. */
  realms: number
  /** Promises are watched by somebody's `async_hooks.createHook`, as far as that can be told. */
  promiseHooks: boolean
}

interface Watch {
  seen: Seen | undefined
  stop: () => void
}

const current: Watch = processWide('doctor.watch.1', () => ({ seen: undefined, stop: () => {} }))

/** What was seen; undefined if nobody has watched. */
export function seenSoFar(): Seen | undefined {
  return current.seen
}

/**
 * Begins to count log calls by place, requests and outgoing calls, from zero; `diagnose()` tells what was seen. The returned function
 * ends the counting and keeps what was seen. Calling it while somebody watches changes nothing.
 *
 * It costs tens of microseconds for each log call, and an `AsyncLocalStorage` of the doctor's own; the memory is bounded. Best called before
 * the application is loaded, which is what `node --import tracelane/doctor` does.
 */
export function watch(): () => void {
  if (probe.logCall !== undefined) return current.stop
  const seen: Seen = {
    sites: new CallSites(),
    requests: new Requests(),
    outgoing: new Outgoing(),
    realms: 0,
    promiseHooks: false,
  }
  const served = new AsyncLocalStorage<RequestMark>()
  current.seen = seen
  probe.logCall = guarded((scope) => seen.sites.count(scope as Scope | undefined, served.getStore(), seen.requests.busy()))
  probe.served = guarded((room, request, known) => seen.requests.served(room, request, known))
  const unsubscribeAll = listen(seen, served)
  current.stop = () => {
    probe.logCall = undefined
    probe.served = undefined
    unsubscribeAll()
    current.stop = () => {}
  }
  return current.stop
}

const REQUESTS_LOOKED_AT = 3

function listen(seen: Seen, served: AsyncLocalStorage<RequestMark>): () => void {
  const realms = new WeakSet<object>([globalThis])
  const listeners: Readonly<Record<string, (message: unknown) => void>> = {
    'http.server.request.start': (message) => {
      const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
      // Node publishes in the flow of this one request, and emits 'request' in it next.
      served.enterWith(seen.requests.begin(request, response))
      if (seen.requests.started <= REQUESTS_LOOKED_AT) lookForPromiseHooks(seen)
    },
    'http.server.response.finish': (message) => seen.requests.end((message as { request: IncomingMessage }).request),
    'http.client.request.start': (message) => {
      if (currentScope() !== undefined) seen.outgoing.http((message as { request: ClientRequest }).request)
    },
    'undici:request:create': (message) => {
      if (currentScope() !== undefined) seen.outgoing.undici((message as { request: UndiciRequest }).request)
    },
    [String(copyLoaded.name)]: (message) => {
      const { realm } = message as LoadedCopy
      if (realms.has(realm)) return
      realms.add(realm)
      seen.realms++
    },
  }
  const entries = Object.entries(listeners).map(([name, listener]) => [name, guarded(listener)] as const)
  for (const [name, listener] of entries) subscribe(name, listener)
  lookForPromiseHooks(seen)
  return () => {
    for (const [name, listener] of entries) unsubscribe(name, listener)
  }
}

/* Each promise has an id of its own only while somebody's hooks, or an AsyncLocalStorage without AsyncContextFrame, ask for them. */
function lookForPromiseHooks(seen: Seen): void {
  const settled = Promise.resolve()
  let first: number
  void settled.then(() => {
    first = executionAsyncId()
  })
  void settled.then(() => {
    if (first !== executionAsyncId()) seen.promiseHooks = true
  })
}

/* Whatever goes wrong in the doctor stays in the doctor. */
function guarded<A extends unknown[]>(fn: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      fn(...args)
    } catch (error) {
      complain('doctor', `the doctor could not look: ${reasonOf(error)}`)
    }
  }
}
