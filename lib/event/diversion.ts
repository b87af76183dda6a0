import { processWide } from '../internal/runtime'
import type { LogEvent } from './log-event'
import { subscribeEvents } from './port'

/** Takes an event in the place of the appender. Runs inside the log call. */
export type EventTaker = (event: LogEvent) => void

const takers = processWide('event.takers.1', () => [] as EventTaker[])

/**
 * Gives the events of our loggers and of the port to `take`, and not to the appender, until the returned function is called. The one that
 * came last gets them all.
 */
export function divertEvents(take: EventTaker): () => void {
  // A function of its own, so that the same `take` given twice is two takers.
  const taker: EventTaker = (event) => take(event)
  takers.push(taker)
  const unsubscribe = subscribeEvents({
    onEvent(event) {
      if (takers.at(-1) === taker) taker(event)
    },
  })
  return () => {
    unsubscribe()
    const at = takers.indexOf(taker)
    if (at >= 0) takers.splice(at, 1)
  }
}

/** Who gets the events in the place of the appender now, or undefined. */
export function divertedTo(): EventTaker | undefined {
  // Not by `takers[-1]`, which is looked up as a name and costs more than the rest of the call.
  return takers.length === 0 ? undefined : takers[takers.length - 1]
}
