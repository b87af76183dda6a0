import type { ClientCall } from './client-call'

/** What `fetch` needs of an undici dispatcher. */
export interface FetchDispatcher {
  dispatch(options: DispatchOptions, handler: object): boolean
}

/** The options of one hop; headers come from `fetch` as a plain record. */
export interface DispatchOptions {
  readonly origin?: string | URL | null | undefined
  readonly headers?: unknown
}

/** On the options of a hop: its headers have been judged already, by the client that dispatches it. */
export const JUDGED: unique symbol = Symbol.for('tracelane.judged')

type Mockable = FetchDispatcher & { readonly isMockActive?: boolean }

const GLOBAL_1 = Symbol.for('undici.globalDispatcher.1')
const GLOBAL_2 = Symbol.for('undici.globalDispatcher.2')

const realm = globalThis as { [GLOBAL_1]?: Mockable; [GLOBAL_2]?: Mockable }

/**
 * Stands between `fetch` and the dispatcher that it would use, for one call, and judges each hop of it: `fetch` follows
 * redirects itself and would carry our headers to whatever host they lead to.
 *
 * Handlers are passed on as they are, so every version of undici's handler interface works.
 */
export class HopDispatcher implements FetchDispatcher {
  /** The dispatcher that the application asked for; undefined: the global one. */
  readonly inner: FetchDispatcher | undefined
  readonly #call: ClientCall

  constructor(call: ClientCall, inner: FetchDispatcher | undefined) {
    this.inner = inner
    this.#call = call
  }

  /** `fetch` gives a mock the body as the application gave it. */
  get isMockActive(): boolean {
    const mockable = this.inner === undefined ? [realm[GLOBAL_1], realm[GLOBAL_2]] : [this.inner as Mockable]
    return mockable.some((dispatcher) => dispatcher?.isMockActive === true)
  }

  dispatch(options: DispatchOptions, handler: object): boolean {
    const headers = { ...(options.headers as Record<string, unknown>) }
    this.#call.redirected(headers, urlOf(options.origin))
    return (this.inner ?? globalDispatcher(handler)).dispatch({ ...options, headers, [JUDGED]: true } as DispatchOptions, handler)
  }
}

/*
 * Each version of undici looks for the global dispatcher that speaks its own handler interface: up to 7 (Node 20 to 24)
 * under number 1 with `onConnect`, from 8 (Node 26) under number 2 with `onRequestStart`. The handler tells which `fetch` called.
 * It has loaded undici by then, and that sets the symbol.
 */
function globalDispatcher(handler: object): FetchDispatcher {
  const modern = typeof (handler as { onRequestStart?: unknown }).onRequestStart === 'function'
  const found = modern ? (realm[GLOBAL_2] ?? realm[GLOBAL_1]) : realm[GLOBAL_1]
  if (found === undefined) throw new TypeError('there is no global dispatcher for this version of fetch')
  return found
}

function urlOf(origin: string | URL | null | undefined): URL | undefined {
  try {
    return new URL(origin ?? '')
  } catch {
    return undefined
  }
}
