import type { IncomingMessage } from 'node:http'
import { runInScope, type Scope } from '../context'
import { counters } from '../diagnostics'
import type { ResolvedServerOptions } from './server-options'

/** Whether the application wants no event for `req` if it ends well. An answer that is no boolean is counted and means no. */
export function isSilent<Req extends IncomingMessage>(scope: Scope, req: Req, { silent }: ResolvedServerOptions<Req>): boolean {
  if (silent === undefined) return false
  try {
    const answer: unknown = runInScope(scope, () => silent(req))
    if (typeof answer === 'boolean') return answer
  } catch {
    // Counted like an answer that is none
  }
  counters.userCallbackErrors++
  return false
}
