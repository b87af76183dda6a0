import { type EventSubscriber, type LogEvent, type SpanRecord, subscribeEvents, type TraceEnd } from 'tracelane'

/** What the event port said while a test ran. */
export interface PortEvents {
  readonly events: LogEvent[]
  readonly ends: TraceEnd[]
  /** The `span` fields of the events so far. */
  spans(): SpanRecord[]
  /** Resolves when `count` events of spans have come. */
  spanCount(count: number): Promise<SpanRecord[]>
  stop(): void
}

/** Subscribes to the event port until `stop`. */
export function listenToPort(): PortEvents {
  const events: LogEvent[] = []
  const ends: TraceEnd[] = []
  let wake = (): void => undefined
  const subscriber: EventSubscriber = {
    onEvent(event) {
      events.push(event)
      wake()
    },
    onTraceEnded(end) {
      ends.push(end)
    },
  }
  const stop = subscribeEvents(subscriber)
  const spans = (): SpanRecord[] => events.flatMap((event) => (event.fields?.['span'] as SpanRecord | undefined) ?? [])
  const spanCount = async (count: number): Promise<SpanRecord[]> => {
    while (spans().length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return spans()
  }
  return { events, ends, spans, spanCount, stop }
}
