import type { ConsumedEvent } from '../event'
import { packedEvents } from '../packed-events'

/** What is read of a record. */
export interface RawRecord {
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: Buffer | null, value: Buffer | null])[]
}

/** The events in a record that `kafkaSink` has made, in order; of another program's record each line is an event without a name. */
export function eventsOf({ value, headers }: RawRecord): ConsumedEvent[] {
  if (value === null) return []
  return packedEvents(value, new Map(headers.map(([name, text]) => [String(name), String(text ?? '')])))
}
