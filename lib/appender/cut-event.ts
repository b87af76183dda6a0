import type { LogEvent } from '../event'

/** A JSON text of one character may take six bytes (`\u0001`). */
const MAX_BYTES_PER_UNIT = 6
const MAX_LOGGER_LENGTH = 128

/**
 * `event`, whose line has `bytes`, which is more than `most`, cut: as much of its message as surely fits into half of that, without fields and error, and with
 * `truncatedBytes`. The MDC goes too if `hard`.
 */
export function cutEvent(event: LogEvent, bytes: number, most: number, hard: boolean): LogEvent {
  const { time, level, traceId, spanId, flags, hlc, mdc, caller, rate, replayed } = event
  const msg = beginning(event.msg, Math.floor(most / 2 / MAX_BYTES_PER_UNIT))
  const logger = hard ? beginning(event.logger, MAX_LOGGER_LENGTH) : event.logger
  const said = { time, level, logger, msg, traceId, spanId, flags, hlc, caller, rate, replayed }
  return { ...said, mdc: hard ? {} : mdc, fields: { truncatedBytes: bytes }, err: undefined }
}

/* At most `units` of `text`, no character cut in two. */
function beginning(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udbff]$/, '')
}
