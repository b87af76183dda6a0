import { divertEvents, type LogEvent } from '../event'
import { jsonLayout } from '../layout'

/** What our loggers said since `captureEvents`. */
export interface CapturedEvents {
  /** The events in the order of their log calls. The list grows while events are captured. */
  readonly events: readonly LogEvent[]
  /** The same as lines of JSON, as a sink would have got them at the call, without the line break. */
  readonly lines: readonly string[]
  /** Ends it: events go to the appender again. What was captured stays. Doing it again does nothing. */
  restore(): void
}

/**
 * Collects the events of our loggers in memory, and those that the kit makes at the ends of spans, until `restore()`. Nothing
 * is written in the meantime, and no flush thread is started.
 *
 * Levels stay as they are: `configure({ level: 'debug' })` to see more. When captures are nested, events go to the last one.
 */
export function captureEvents(): CapturedEvents {
  const events: LogEvent[] = []
  const lines: string[] = []
  const layout = jsonLayout({ service: undefined }, true)
  const restore = divertEvents((event) => {
    events.push(event)
    lines.push(layout(event, events.length).trimEnd())
  })
  return { events, lines, restore }
}
