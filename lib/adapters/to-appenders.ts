import type { Scope } from '../context'
import type { LogEvent } from '../event'
import { dispatchOther, nearestNode } from '../logger'

/**
 * Gives an event of another logger, whose own level has let it pass, to the appenders of the name under which it enters. `scope` is where it was
 * said, by default that of now.
 *
 * There may be any number of such names, so none is added to the hierarchy: the nearest above that exists has the same appenders.
 */
export function toAppenders(event: LogEvent, scope?: Scope): void {
  dispatchOther(event, nearestNode(event.logger), scope)
}
