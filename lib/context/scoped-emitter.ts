import { EventEmitter } from 'node:events'
import { processWide } from '../internal/runtime'
import { currentScope, runInScope, type Scope } from './storage'

type Emit = EventEmitter['emit']

/*
 * A constructor that gives back its argument lets a subclass put private fields on an object that exists already. They are seen by
 * nobody else, and cost a fiftieth of what `Object.defineProperty` with a hidden symbol does. One class for all copies of the kit.
 */
class Given {
  constructor(emitter: object) {
    // biome-ignore lint/correctness/noConstructorReturn: see above
    return emitter
  }
}

const Scoped = processWide(
  'emitter.scoped.1',
  () =>
    class Scoped extends Given {
      #scope: Scope
      readonly #emit: Emit

      constructor(emitter: EventEmitter, scope: Scope) {
        super(emitter)
        this.#scope = scope
        this.#emit = emitter.emit
      }

      static scopeOf(emitter: object): Scope | undefined {
        return #scope in emitter ? emitter.#scope : undefined
      }

      static emitOf(emitter: object): Emit {
        return #emit in emitter ? emitter.#emit : EventEmitter.prototype.emit
      }

      /** False if `emitter` has no scope that could be replaced. */
      static replace(emitter: object, scope: Scope): boolean {
        if (!(#scope in emitter)) return false
        emitter.#scope = scope
        return true
      }
    },
)

/*
 * Node emits the events of a broken request ('aborted', 'close', 'error') from the socket's own asynchronous context, in
 * which there is no trace, or another request's. Running `emit` in the request's scope puts that right for every listener, however it was
 * added, without touching `on`, `once` or `removeListener`. An emit from inside the same trace is left alone, so a listener
 * that fires inside a `withSpan` stays in that span; so is one that nobody hears, as most of a request's are.
 */
function emitInScope(this: EventEmitter, ...args: Parameters<Emit>): boolean {
  const emit = Scoped.emitOf(this)
  const scope = Scoped.scopeOf(this)
  if (scope === undefined || currentScope()?.root === scope.root) return emit.apply(this, args)
  const unheard = emit === EventEmitter.prototype.emit && this.listenerCount(args[0]) === 0
  if (unheard) return emit.apply(this, args)
  return runInScope(scope, () => emit.apply(this, args))
}

const HIDDEN_EMIT = { value: emitInScope, writable: true, configurable: true, enumerable: false }

/** Makes every listener of `emitter` run in `scope`, unless it is emitted from inside the same trace already. */
export function emitWithin(emitter: EventEmitter, scope: Scope): void {
  if (Scoped.replace(emitter, scope)) return
  new Scoped(emitter, scope)
  Object.defineProperty(emitter, 'emit', HIDDEN_EMIT)
}

/** The scope that `emitWithin` gave to `emitter`, or undefined. */
export function scopeOfEmitter(emitter: EventEmitter): Scope | undefined {
  return Scoped.scopeOf(emitter)
}
