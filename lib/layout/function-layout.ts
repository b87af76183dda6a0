import { complain, counters } from '../diagnostics'
import { type LogEvent, reasonOf } from '../event'
import { jsonLayout } from './json-layout'
import type { Layout, Origin } from './layout'

/**
 * A layout that an application wrote. It is called on the thread that logs, inside the log call, with the event and its number, and
 * returns the text of one line; a missing `\n` is added.
 */
export type LayoutFunction = (event: LogEvent, seq: number) => string

/**
 * `write` as a layout that never throws: an event for which it throws, returns no text, or logs itself is written as JSON, with
 * the reason as the field `layoutError`, and counted as `layoutsFailed`.
 */
export function functionLayout(origin: Origin, write: LayoutFunction): Layout {
  const json = jsonLayout(origin, true)
  const instead = (event: LogEvent, seq: number, reason: string): string => {
    counters.layoutsFailed++
    complain('layout', `a layout function failed (${reason}); the event was written as JSON`)
    return json({ ...event, mdc: { ...event.mdc, layoutError: reason } }, seq)
  }
  let busy = false
  return (event, seq) => {
    if (busy) return instead(event, seq, 'it logs itself')
    busy = true
    try {
      const text: unknown = write(event, seq)
      if (typeof text !== 'string') return instead(event, seq, `it returned a value of type ${typeof text}`)
      return text.endsWith('\n') ? text : `${text}\n`
    } catch (error) {
      return instead(event, seq, reasonOf(error))
    } finally {
      busy = false
    }
  }
}
