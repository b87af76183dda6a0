import type { EventEmitter } from 'node:events'
import { currentScope, runInScope, type Scope } from './storage'

const SCOPE = Symbol.for('tracelane.emitter.scope')
const EMIT = Symbol.for('tracelane.emitter.emit')

interface Scoped extends EventEmitter {
  [SCOPE]?: Scope
  [EMIT]?: EventEmitter['emit']
}

/*
 * Node emits the events of a broken request ('aborted', 'close', 'error') from the socket's own asynchronous context, in
 * which there is no trace, or another request's. Running `emit` in the request's scope puts that right for every listener, however it was
 * added, without touching `on`, `once` or `removeListener`. An emit from inside the same trace is left alone, so a listener
 * that fires inside a `withSpan` stays in that span.
 */
function emitInScope(this: Scoped, ...args: Parameters<EventEmitter['emit']>): boolean {
  const scope = this[SCOPE] as Scope
  const emit = this[EMIT] as EventEmitter['emit']
  if (currentScope()?.root === scope.root) return emit.apply(this, args)
  return runInScope(scope, () => emit.apply(this, args))
}

/** Makes every listener of `emitter` run in `scope`, unless it is emitted from inside the same trace already. */
export function emitWithin(emitter: EventEmitter, scope: Scope): void {
  const scoped = emitter as Scoped
  if (scoped[SCOPE] === undefined) {
    hide(scoped, EMIT, scoped.emit)
    hide(scoped, 'emit', emitInScope)
  }
  hide(scoped, SCOPE, scope)
}

/** The scope that `emitWithin` gave to `emitter`, or undefined. */
export function scopeOfEmitter(emitter: EventEmitter): Scope | undefined {
  return (emitter as Scoped)[SCOPE]
}

function hide(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false })
}
