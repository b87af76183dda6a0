import { Lane } from '../lane'
import type { ConsumeSettings } from '../options'
import { packedEvents } from '../packed-events'
import type { SeenEvents } from '../seen-events'
import type { Tally } from '../tally'
import type { Receipt, ReceivedMessage } from './wire'

/** A message that is not acknowledged yet. */
export interface HeldMessage extends Receipt {
  handle: string
  /** When it was received or kept for longer, by the monotonic clock in milliseconds. */
  keptAt: number
}

/** What a queue needs of its session. */
export interface HeldQueuePlace {
  readonly name: string
  readonly settings: ConsumeSettings
  readonly seen: SeenEvents
  readonly tally: Tally
  onHandled(messages: readonly HeldMessage[]): void
}

/**
 * What was received of one queue, on its way through its lane. The broker gives nobody more of this queue until all of it is acknowledged, which is what keeps
 * the order.
 */
export class HeldQueue {
  readonly name: string
  readonly lane: Lane<number>
  /* The first one has the number after `#handled`. */
  readonly #held: HeldMessage[] = []
  #handled = 0
  #received = 0

  constructor({ name, settings, seen, tally, onHandled }: HeldQueuePlace) {
    this.name = name
    this.lane = new Lane<number>({
      ...{ queue: name, settings, seen, tally },
      acknowledge: (position) => {
        const messages = this.#held.splice(0, position - this.#handled)
        this.#handled = position
        onHandled(messages)
      },
      onRoom: () => {},
    })
  }

  /** What is neither handled nor given back. */
  get held(): readonly HeldMessage[] {
    return this.#held
  }

  take({ id, handle, body, properties }: ReceivedMessage, now: number): void {
    this.#held.push({ id, handle, keptAt: now })
    this.lane.push({ events: packedEvents(body, properties), position: ++this.#received })
  }
}
