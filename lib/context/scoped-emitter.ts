import { EventEmitter } from 'node:events'
import { processWide } from '../internal/runtime'
import { currentScope, runInScope, type Scope } from './storage'

type Emit = EventEmitter['emit']

/** Is told each event of an emitter before its listeners are, in whatever flow it is emitted. Must not throw. */
export interface EmitWatcher {
  emitted(event: string | symbol, first: unknown): void
}

/** What an emitter got from `emitWithin`. */
interface Within {
  /** Whose it is: an `emit` can be copied to another emitter, with the rest of an emitter's own properties. */
  readonly emitter: EventEmitter
  scope: Scope
  readonly watcher: EmitWatcher | undefined
  /** What `emit` was before. */
  readonly emit: Emit
}

/*
 * How an emitter is asked for what it got: by an event that only an `emit` of ours answers, of any copy of the kit, and also from below one that
 * somebody else has put over it. Express gives each request and response a hidden class of its own, and then every property more costs
 * half a microsecond: so there is none beside `emit` itself.
 */
const question = processWide('emitter.question.1', () => ({
  event: Symbol('tracelane.within'),
  answer: undefined as Within | undefined,
}))

const { emit: plainEmit, listenerCount } = EventEmitter.prototype

/*
 * Node emits the events of a broken request ('aborted', 'close', 'error') from the socket's own asynchronous context, in
 * which there is no trace, or another request's. Running `emit` in the request's scope puts that right for every listener, however it was
 * added, without touching `on`, `once` or `removeListener`. An emit from inside the same trace is left alone, so a listener
 * that fires inside a `withSpan` stays in that span; so is one that only Node itself hears. One that nobody hears, as most of a request's
 * are, goes no further: Node's `emit` would do nothing with it either, but throw the 'error'.
 */
function emitOf(within: Within): Emit {
  return function emitInScope(this: EventEmitter, ...args: Parameters<Emit>): boolean {
    const { emitter, scope, watcher, emit } = within
    if (this !== emitter) return emit.apply(this, args)
    const [event] = args
    if (event === question.event) {
      question.answer = within
      return false
    }
    watcher?.emitted(event, args[1])
    const heard = emit === plainEmit ? listenerCount.call(this, event) : undefined
    if (heard === 0) return event === 'error' && emit.apply(this, args)
    const isNodes = heard === 1 && event === 'end' && isNodesOwn(this.rawListeners(event)[0])
    if (isNodes || currentScope()?.root === scope.root) return emit.apply(this, args)
    return runInScope(scope, () => emit.apply(this, args))
  }
}

/* Node's listener for the 'end' of a request that is answered: one function for all of them, once it is known. */
let clearIncoming: unknown

/* By its name and by what it does, because it is exported nowhere. */
function isNodesOwn(listener: unknown): boolean {
  if (listener === clearIncoming) return true
  if (typeof listener !== 'function' || listener.name !== 'clearIncoming') return false
  if (!Function.prototype.toString.call(listener).includes('parser.incoming === req')) return false
  clearIncoming = listener
  return true
}

function withinOf(emitter: EventEmitter): Within | undefined {
  // Read once, because what Express made of its objects is looked through property by property.
  const { emit } = emitter
  // One of a class is none of ours, so it is not asked.
  if (emit === plainEmit || !Object.hasOwn(emitter, 'emit')) return undefined
  question.answer = undefined
  try {
    emit.call(emitter, question.event)
  } catch {
    // An `emit` of the application's that takes no symbols; it has no scope.
  }
  return question.answer
}

/**
 * Makes every listener of `emitter` run in `scope`, unless it is emitted from inside the same trace already; `watcher` hears all of its
 * events. An emitter that has a scope takes the new one, and keeps the watcher that it has.
 *
 * `emit` is assigned, as libraries that wrap `end` or `write` do it, so it is among the emitter's own keys
 * (docs/decisions/0004-emit-in-scope.md).
 */
export function emitWithin(emitter: EventEmitter, scope: Scope, watcher?: EmitWatcher): void {
  const within = withinOf(emitter)
  if (within === undefined) emitter.emit = emitOf({ emitter, scope, watcher, emit: emitter.emit })
  else within.scope = scope
}

/** The scope that `emitWithin` gave to `emitter`, or undefined. */
export function scopeOfEmitter(emitter: EventEmitter): Scope | undefined {
  return withinOf(emitter)?.scope
}

/** The watcher that `emitWithin` gave to `emitter`, or undefined. */
export function watcherOfEmitter(emitter: EventEmitter): EmitWatcher | undefined {
  return withinOf(emitter)?.watcher
}
