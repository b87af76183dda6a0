import { currentScope, type Scope } from '../context'
import { probe } from '../internal/probe'

/** The scope of this flow, read for one line of another logger; undefined outside any trace. The doctor counts it. */
export function lineScope(): Scope | undefined {
  const scope = currentScope()
  if (probe.logCall !== undefined) probe.logCall(scope)
  return scope
}
