import { redactEvent } from '../event'
import { type Layout, type Origin, redactorOf } from './layout'

/**
 * `layout` for events from which secrets have been taken: for every layout that writes values itself instead of asking the origin's redactor,
 * those of the application too.
 */
export function redactingLayout(layout: Layout, origin: Origin): Layout {
  const redactor = redactorOf(origin)
  return (event, seq) => layout(redactEvent(event, redactor), seq)
}
