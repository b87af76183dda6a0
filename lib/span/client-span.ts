import { childOf, currentScope, NO_FIELDS, newTrace, type Scope, scopeOf } from '../context'

/**
 * The scope of a call that is about to be made: a new span under that of the caller, or a new trace outside any.
 *
 * Inject its `context`, run nothing of the application in it (callbacks belong to the caller's scope), and give it to
 * `spanEnded` when the call is over.
 */
export function openClientScope(): Scope {
  const caller = currentScope()
  const context = caller === undefined ? newTrace() : childOf(caller.context)
  return scopeOf(context, caller, caller?.mdc ?? NO_FIELDS)
}
