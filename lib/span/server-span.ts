import { childOf, currentScope, type MdcFields, NO_FIELDS, newTrace, type Scope, scopeOf } from '../context'
import { extractFrom, type Getter } from '../propagation'

/**
 * The scope of a request that has just come in: a new span under that of the caller, if `carrier` has a valid context, else a
 * new trace. A scope that happens to be active (a server that was started inside a span) is replaced, not continued.
 */
export function openServerScope<C>(carrier: C, getter: Getter<C>, mdc: MdcFields = NO_FIELDS): Scope {
  const parent = extractFrom(carrier, getter)
  return scopeOf(parent === undefined ? newTrace() : childOf(parent), currentScope(), mdc)
}
