import { subscribeEvents } from '../../event'
import { nearestLevel } from './levels'
import { type Info, SPAN_LINE, type WinstonLike } from './winston-like'

/**
 * Writes the kit's own events, one at the end of each request, call and `withSpan`, to a winston logger.
 *
 * `tracelane trace` and the collector draw the tree of spans from them. The returned function ends it. Give it a logger
 * that has `traceMeta` or `attachTrace`. A `tracelaneTransport` leaves them out, because its appenders have those events anyway.
 */
export function logSpans(logger: WinstonLike): () => void {
  return subscribeEvents({
    onEvent({ level, msg, logger: name, fields }) {
      const entry: Info = { ...fields, logger: name, level: nearestLevel(logger, level), message: msg, [SPAN_LINE]: true }
      logger.log(entry as unknown as { level: string; message: string })
    },
  })
}
