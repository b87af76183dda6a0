import type { LogEvent } from '../event'
import { dispatch, nearestNode } from '../logger'

/**
 * Gives an event of another logger, whose own level has let it pass, to the appenders of the name under which it enters.
 *
 * There may be any number of such names, so none is added to the hierarchy: the nearest above that exists has the same appenders.
 */
export function toAppenders(event: LogEvent): void {
  dispatch(event, nearestNode(event.logger))
}
