import { childOf, currentFlow, currentScope, NO_FIELDS, newTrace, rootOf, type Scope, scopeOf, TraceContext } from '../context'
import type { TargetMatch } from '../propagation'
import { TASK_MEMBER } from './task-member'

/**
 * The scope of a call that is about to be made: a new span under that of the caller, or a new trace outside any.
 *
 * Inject its `context`, run nothing of the application in it (callbacks belong to the caller's scope), and give it to
 * `spanEnded` when the call is over.
 */
export function openClientScope(): Scope {
  const caller = currentScope()
  const context = caller === undefined ? newTrace() : childOf(caller.context)
  return scopeOf(context, currentFlow(), caller?.mdc ?? NO_FIELDS)
}

/** What may be told of `context` to a host that `targets` let through: a task goes to hosts that somebody has named only. */
export function toldContext(context: TraceContext, targets: TargetMatch | undefined): TraceContext {
  if (targets !== undefined || context.baggage.get(TASK_MEMBER) === undefined) return context
  return new TraceContext({ ...context, baggage: context.baggage.without(TASK_MEMBER) }, rootOf(context))
}
