import { EventEmitter } from 'node:events'
import type { Context, ContextManager } from '@opentelemetry/api'
import { bindEmitterTo, currentFlow, type Flow, runInScope, storage } from '../context'
import { loadOtel } from './api'
import { watchArrivals } from './arrival'
import { withForeign } from './scope-view'

/* What stands in the foreign slot of a flow. */
interface Held {
  readonly owner: TracelaneContextManager
  /** Grows with `disable`, which makes all that was held before void. */
  readonly epoch: number
  readonly context: Context
}

/** What `attach` gives, as @opentelemetry/api 1.10 and later have it. */
export interface AttachedContext {
  /** Makes the context from before `attach` the active one again; a second call does nothing. */
  dispose(): void
}

/**
 * OpenTelemetry's context manager on the one `AsyncLocalStorage` of tracelane: with it a process has one storage and not two, and where our
 * context survives theirs does. `provider.register({ contextManager: new TracelaneContextManager() })`.
 *
 * `disable()` clears OpenTelemetry's contexts only; traces of ours go on. The context of one request is never taken for that of another that
 * comes in on the same connection. Throws ERR_TRACELANE_PEER_MISSING without @opentelemetry/api.
 */
export class TracelaneContextManager implements ContextManager {
  readonly #api = loadOtel()
  #epoch = 0
  #stopWatching: (() => void) | undefined

  /** The OpenTelemetry context of this flow; its root context outside any. */
  active(): Context {
    const held = currentFlow()?.foreign as Partial<Held> | undefined
    const isOurs = held?.owner === this && held.epoch === this.#epoch
    return isOurs ? (held.context as Context) : this.#api.ROOT_CONTEXT
  }

  /** Calls `fn` in `context` and returns what it returns. The trace of ours around the call, and its MDC, go on. */
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return runInScope(this.#flow(context), () => fn.apply(thisArg, args))
  }

  /** Ties a function, or the listeners that are added to an emitter from now on, to `context`; anything else is returned as it is. */
  bind<T>(context: Context, target: T): T {
    if (target instanceof EventEmitter) return bindEmitterTo(target, this.#flow(context))
    return typeof target === 'function'
      ? (this.#bound(context, target as unknown as (...args: unknown[]) => unknown) as T)
      : target
  }

  /**
   * Makes `context` the active one of the rest of this flow and of what it starts, until the returned token is disposed of; for @opentelemetry/api 1.10
   * and later. The trace of ours, and its MDC, go on. Before the first `await` of an async function it reaches the caller too, as it does in
   * OpenTelemetry's own manager: `with` does not.
   */
  attach(context: Context): AttachedContext {
    const before = currentFlow()
    const attached = this.#flow(context)
    storage.enterWith(attached)
    let isDisposed = false
    return {
      dispose: () => {
        if (isDisposed) return
        isDisposed = true
        const now = currentFlow()
        // Disposed of in another flow, it must not take that flow out of its own trace.
        storage.enterWith(now === attached ? before : withForeign(now, before?.foreign))
      },
    }
  }

  enable(): this {
    this.#stopWatching ??= watchArrivals(this.#api, undefined)
    return this
  }

  disable(): this {
    this.#epoch++
    this.#stopWatching?.()
    this.#stopWatching = undefined
    return this
  }

  #flow(context: Context): Flow {
    const held: Held = { owner: this, epoch: this.#epoch, context }
    return withForeign(currentFlow(), held)
  }

  #bound(context: Context, target: (...args: unknown[]) => unknown): unknown {
    const within = (thisArg: unknown, args: unknown[]): unknown => this.with(context, target, thisArg, ...args)
    function bound(this: unknown, ...args: unknown[]): unknown {
      return within(this, args)
    }
    Object.defineProperty(bound, 'length', { value: target.length, configurable: true })
    return bound
  }
}
