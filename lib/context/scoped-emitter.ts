import { EventEmitter } from 'node:events'
import { processWide } from '../internal/runtime'
import { currentScope, runInScope, type Scope } from './storage'

type Emit = EventEmitter['emit']

/** Is told each event of an emitter before its listeners are, in whatever flow it is emitted. Must not throw. */
export interface EmitWatcher {
  emitted(event: string | symbol, first: unknown): void
}

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

/** What an emitter got from `emitWithin`. */
interface Within {
  scope: Scope
  readonly watcher: EmitWatcher | undefined
  /** What `emit` was before. */
  readonly emit: Emit
}

const Scoped = processWide(
  'emitter.scoped.2',
  () =>
    class Scoped extends Given {
      readonly #within: Within

      constructor(emitter: EventEmitter, within: Within) {
        super(emitter)
        this.#within = within
      }

      static of(emitter: object): Within | undefined {
        return #within in emitter ? emitter.#within : undefined
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
  const within = Scoped.of(this)
  // Copied to another emitter, with the rest of an emitter's own properties.
  if (within === undefined) return EventEmitter.prototype.emit.apply(this, args)
  const { scope, watcher, emit } = within
  watcher?.emitted(args[0], args[1])
  if (currentScope()?.root === scope.root) return emit.apply(this, args)
  const unheard = emit === EventEmitter.prototype.emit && this.listenerCount(args[0]) === 0
  if (unheard) return emit.apply(this, args)
  return runInScope(scope, () => emit.apply(this, args))
}

/**
 * Makes every listener of `emitter` run in `scope`, unless it is emitted from inside the same trace already; `watcher` hears all of its
 * events. An emitter that has a scope takes the new one, and keeps the watcher that it has.
 *
 * `emit` is assigned, as libraries that wrap `end` or `write` do it, so it is among the emitter's own keys: a hidden property costs ten times as
 * much, 0.2 us (docs/decisions/0004-emit-in-scope.md).
 */
export function emitWithin(emitter: EventEmitter, scope: Scope, watcher?: EmitWatcher): void {
  const within = Scoped.of(emitter)
  if (within !== undefined) {
    within.scope = scope
    return
  }
  new Scoped(emitter, { scope, watcher, emit: emitter.emit })
  emitter.emit = emitInScope
}

/** The scope that `emitWithin` gave to `emitter`, or undefined. */
export function scopeOfEmitter(emitter: EventEmitter): Scope | undefined {
  return Scoped.of(emitter)?.scope
}

/** The watcher that `emitWithin` gave to `emitter`, or undefined. */
export function watcherOfEmitter(emitter: EventEmitter): EmitWatcher | undefined {
  return Scoped.of(emitter)?.watcher
}
