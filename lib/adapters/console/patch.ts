import { TracelaneError } from '../../errors'
import { processWide } from '../../internal/runtime'

/** A method of a console. */
export type ConsoleMethod = (this: unknown, ...args: unknown[]) => void

/** The methods that print their arguments as a text. */
export const TEXT_METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const
export type TextMethod = (typeof TEXT_METHODS)[number]

/** The part of a console that this adapter changes. */
export type ConsoleLike = Record<TextMethod, (...args: unknown[]) => void>

interface Patch {
  readonly by: string
  readonly restore: () => void
}

/* Of every copy of the kit: two patches of one console would tell each line twice. */
const patches = processWide('adapters.consoles.1', () => new WeakMap<object, Patch>())

/**
 * Patches `target` by the functions that `patch` calls `replace` for, and returns what undoes it exactly.
 *
 * The second time for the same `by` it changes nothing and gives the same function; if another one has patched this console, throws
 * ERR_TRACELANE_CONSOLE_PATCHED.
 */
export function patchConsole(target: object, by: string, patch: (replace: Replace) => void): () => void {
  const known = patches.get(target)
  if (known?.by === by) return known.restore
  if (known !== undefined) {
    throw new TracelaneError('ERR_TRACELANE_CONSOLE_PATCHED', `${known.by} is in place on this console; undo it before ${by}`)
  }
  const undo: (() => void)[] = []
  patch((method, make) => undo.push(replaceMethod(target as Record<string, unknown>, method, make)))
  const restore = (): void => {
    for (const one of undo.splice(0)) one()
    if (patches.get(target)?.restore === restore) patches.delete(target)
  }
  patches.set(target, { by, restore })
  return restore
}

/** Puts what `make` gives in the place of a method, if there is one; `isActive` turns false when it is undone. */
export type Replace = (method: string, make: (original: ConsoleMethod, isActive: () => boolean) => ConsoleMethod) => void

/* If somebody else has replaced the method in the meantime, theirs stays, and ours below it lets everything pass. */
function replaceMethod(
  target: Record<string, unknown>,
  method: string,
  make: (original: ConsoleMethod, isActive: () => boolean) => ConsoleMethod,
): () => void {
  const original = target[method]
  if (typeof original !== 'function') return () => {}
  const before = Object.getOwnPropertyDescriptor(target, method)
  let active = true
  const ours = make(original as ConsoleMethod, () => active)
  Object.defineProperty(target, method, {
    value: ours,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? true,
  })
  return () => {
    active = false
    if (target[method] !== ours) return
    if (before === undefined) delete target[method]
    else Object.defineProperty(target, method, before)
  }
}
