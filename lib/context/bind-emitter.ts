import { EventEmitter } from 'node:events'
import { TracelaneError } from '../errors'
import { currentFlow, type Flow, runInScope } from './storage'

const BOUND = Symbol.for('tracelane.emitter.bound')
const INNER = Symbol.for('tracelane.listener.inner')

type Listener = (...args: unknown[]) => unknown

/* `listener` is what Node itself looks at to find the function that a wrapper, such as that of `once`, was made for. */
interface Wrapper extends Listener {
  listener?: unknown
  [INNER]?: Listener
}

/**
 * Makes listeners that are added to `emitter` from now on run in the flow that adds them, whoever emits. Returns `emitter`.
 *
 * For emitters that several requests share: a client, a bus, a stream that others write to. Only this one object is changed, by properties that are not
 * enumerable; doing it again changes nothing. `once`, `off`, `listeners()` and the rest do what they did. Throws
 * ERR_TRACELANE_ARGUMENT_INVALID for anything but an `EventEmitter` of node:events; for an `EventTarget`, such as an `AbortSignal`, bind
 * each listener with `bindTrace`.
 */
export function bindEmitter<E extends EventEmitter>(emitter: E): E {
  if (!(emitter instanceof EventEmitter)) {
    const detail = 'bindEmitter takes an EventEmitter of node:events; bind the listeners of others one by one with bindTrace'
    throw new TracelaneError('ERR_TRACELANE_ARGUMENT_INVALID', detail)
  }
  if (!Object.hasOwn(emitter, BOUND)) bind(emitter, currentFlow)
  return emitter
}

/** `bindEmitter` for listeners that all run in `flow`, whoever adds them. An emitter that is bound already stays as it is. */
export function bindEmitterTo<E extends EventEmitter>(emitter: E, flow: Flow | undefined): E {
  if (!Object.hasOwn(emitter, BOUND)) bind(emitter, () => flow)
  return emitter
}

/*
 * Node's `once` calls `on`, and its `prependOnceListener` calls `prependListener`, with a wrapper of its own, which it later removes by
 * `removeListener`. So those two need no change, but a wrapper of Node must be found again under the one that is around it:
 *
 *   on(f)     list: [ours]   ours.listener = f                       removeListener(f) finds it by `listener`, as Node does
 *   once(f)   list: [ours]   ours.listener = f, around Node's        removeListener(Node's) is translated to ours
 */
function bind(emitter: EventEmitter, flow: () => Flow | undefined): void {
  const around = new WeakMap<object, Wrapper>()
  const set = (key: PropertyKey, value: unknown): void => {
    Object.defineProperty(emitter, key, { value, writable: true, configurable: true, enumerable: false })
  }
  set(BOUND, true)
  for (const name of ['on', 'addListener', 'prependListener'] as const) {
    const add = emitter[name]
    set(name, function (this: EventEmitter, event: string | symbol, listener: Wrapper) {
      return add.call(this, event, wrapped(listener, around, flow))
    })
  }
  for (const name of ['off', 'removeListener'] as const) {
    const remove = emitter[name]
    set(name, function (this: EventEmitter, event: string | symbol, listener: Wrapper) {
      return remove.call(this, event, around.get(listener) ?? listener)
    })
  }
  const { rawListeners } = emitter
  set('rawListeners', function (this: EventEmitter, event: string | symbol) {
    return rawListeners.call(this, event).map((listener) => (listener as Wrapper)[INNER] ?? listener)
  })
}

function wrapped(listener: Wrapper, around: WeakMap<object, Wrapper>, flow: () => Flow | undefined): Wrapper {
  // Node refuses what is no function, in its own words; what is ours already came through another of these methods.
  if (typeof listener !== 'function' || listener[INNER] !== undefined) return listener
  const scope = flow()
  const wrapper: Wrapper = function (this: unknown, ...args) {
    if (currentFlow() === scope) return Reflect.apply(listener, this, args)
    return runInScope(scope, () => Reflect.apply(listener, this, args))
  }
  wrapper[INNER] = listener
  wrapper.listener = listener.listener ?? listener
  if (listener.listener !== undefined) around.set(listener, wrapper)
  return wrapper
}
