import { type Level, subscribeEvents } from '../../event'
import { writeSpanLine } from '../span-lines'
import { traceFields } from '../trace-fields'

/** The methods of a pino logger that `logSpans` uses. */
export type PinoLike = Readonly<Record<Level, (fields: object, msg: string) => void>>

/**
 * pino's `mixin`: adds `traceId`, `spanId`, `hlc` and the MDC to each line, read when the line is logged.
 *
 * Use it as `pino({ mixin: traceMixin })`. A field given to the call wins over one of the MDC. pino writes the line, mixin
 * included, on the calling thread, so the id is right whatever the destination or transport does with the line later.
 */
export function traceMixin(): Record<string, unknown> {
  return traceFields()
}

/**
 * Writes the kit's own events, one at the end of each request, call and `withSpan`, to a pino logger.
 *
 * `tracelane trace` and the collector draw the tree of spans from them. The returned function ends it. Give it a logger that has the mixin.
 * A `tracelaneDestination` leaves them out, because its appenders have those events anyway.
 */
export function logSpans(logger: PinoLike): () => void {
  return subscribeEvents({
    onEvent({ level, msg, logger: name, fields }) {
      writeSpanLine(() => logger[level]({ logger: name, ...fields }, msg))
    },
  })
}
