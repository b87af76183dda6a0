import { runOutside } from '../context'
import { complain } from '../diagnostics'
import type { ConsumedEvent } from './event'
import type { ConsumeSettings } from './options'
import type { SeenEvents } from './seen-events'
import type { Tally } from './tally'

const MAX_DELAY_MS = 30_000

/** Events that came together, and the place in the queue after them. */
export interface LaneItem<Position> {
  readonly events: readonly ConsumedEvent[]
  readonly position: Position
}

/** What a lane needs of its consumer. */
export interface LanePlace<Position> {
  readonly queue: string
  readonly settings: ConsumeSettings
  readonly seen: SeenEvents
  readonly tally: Tally
  /** All before `position` is handled. Not called after `stop` has resolved. */
  acknowledge(position: Position): void
  /** There is room for more. */
  onRoom(): void
}

/**
 * Hands the events of one queue to the handler, one batch after the other. While a call fails this lane waits, and no other.
 *
 *   try the batch ── fails ──▶ pause, twice as long each time ── maxAttempts ──▶ try its events one by one ── fails ──▶ quarantine
 *        └── done: acknowledge, next                                                    └── done: next event
 */
export class Lane<Position> {
  readonly #place: LanePlace<Position>
  #items: LaneItem<Position>[] = []
  #backlog = 0
  #stopped = false
  #running: Promise<void> | undefined
  #endPause: (() => void) | undefined

  constructor(place: LanePlace<Position>) {
    this.#place = place
  }

  /** Whether it could do with more. */
  get isHungry(): boolean {
    return !this.#stopped && this.#backlog < this.#place.settings.batchEvents * 2
  }

  /** Takes what comes next in the queue. */
  push(item: LaneItem<Position>): void {
    if (this.#stopped) return
    this.#items.push(item)
    this.#backlog += item.events.length
    this.#running ??= runOutside(() => this.#run())
  }

  /** Calls the handler no more; resolves when the call that is under way has come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#items = []
    this.#endPause?.()
    await this.#running
  }

  async #run(): Promise<void> {
    // What is pushed in one turn may be one batch.
    await null
    while (!this.#stopped && this.#items.length > 0) {
      const { events, position } = this.#take()
      const { seen, tally } = this.#place
      const fresh = seen.unseen(events)
      tally.duplicates += events.length - fresh.length
      if (fresh.length > 0 && !(await this.#settle(fresh))) break
      this.#backlog -= events.length
      this.#place.acknowledge(position)
      this.#place.onRoom()
    }
    this.#running = undefined
  }

  #take(): LaneItem<Position> {
    const { batchEvents } = this.#place.settings
    const first = this.#items.shift() as LaneItem<Position>
    const events = [...first.events]
    let { position } = first
    for (
      let next = this.#items[0];
      next !== undefined && events.length + next.events.length <= batchEvents;
      next = this.#items[0]
    ) {
      events.push(...next.events)
      position = next.position
      this.#items.shift()
    }
    return { events, position }
  }

  /* Until each event is handled or in quarantine; false if it was stopped before. */
  async #settle(events: readonly ConsumedEvent[]): Promise<boolean> {
    const { settings, queue } = this.#place
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#try(events)
      if (failure === undefined) return true
      complain('consume', `the handler of ${queue} fails, try ${attempt}: ${messageOf(failure.error)}`, queue)
      if (attempt >= settings.maxAttempts)
        return events.length === 1 ? this.#quarantine(events, failure.error) : this.#settleApart(events)
      if (!(await this.#pause(attempt))) return false
    }
  }

  async #settleApart(events: readonly ConsumedEvent[]): Promise<boolean> {
    for (const event of events) {
      if (this.#stopped) return false
      const failure = await this.#try([event])
      if (failure !== undefined && !(await this.#quarantine([event], failure.error))) return false
    }
    return true
  }

  async #try(events: readonly ConsumedEvent[]): Promise<{ readonly error: unknown } | undefined> {
    const { settings, queue, seen, tally } = this.#place
    try {
      await settings.handle({ queue, events })
    } catch (error) {
      tally.failures++
      return { error }
    }
    tally.handled += events.length
    seen.add(events)
    return undefined
  }

  async #quarantine(events: readonly ConsumedEvent[], cause: unknown): Promise<boolean> {
    const { settings, queue, seen, tally } = this.#place
    const [event] = events as [ConsumedEvent]
    for (let attempt = 1; ; attempt++) {
      try {
        await settings.onQuarantine?.(event, queue, cause)
        break
      } catch (error) {
        complain('consume', `the quarantine of ${queue} fails: ${messageOf(error)}`, queue)
        if (!(await this.#pause(attempt))) return false
      }
    }
    tally.quarantined++
    seen.add(events)
    complain('consume-quarantine', `an event of ${queue} is in quarantine: ${messageOf(cause)}`, queue)
    return true
  }

  /* False if it was stopped. */
  async #pause(attempt: number): Promise<boolean> {
    if (this.#stopped) return false
    const delayMs = Math.min(this.#place.settings.retryDelayMs * 2 ** Math.min(attempt - 1, 20), MAX_DELAY_MS)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    return !this.#stopped
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'something that is no Error was thrown'
}
