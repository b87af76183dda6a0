import type { LogEvent } from 'tracelane'
import { captureEvents } from 'tracelane/testing'

/** The events that `log` makes, which go nowhere. */
export async function captured(log: () => unknown): Promise<readonly LogEvent[]> {
  const capture = captureEvents()
  try {
    await log()
  } finally {
    capture.restore()
  }
  return capture.events
}
