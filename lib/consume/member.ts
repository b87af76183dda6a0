import { runOutside } from '../context'
import { complain } from '../diagnostics'
import type { ConsumerStats, OrderedConsumer } from './event'

const FIRST_PAUSE_MS = 200
const MAX_PAUSE_MS = 5_000
/* A session that held for so long was a good one. */
const GOOD_SESSION_MS = 60_000

/** One membership in a group, from the join until something fails or it is closed. */
export interface MemberSession {
  /** Resolves with what failed; undefined if it was closed. Never rejects. */
  run(): Promise<unknown>
  close(): void
}

/** What a member needs of its broker's side. */
export interface MemberPlace {
  /** The brokers and the group. */
  readonly name: string
  /** `turn` counts sessions. */
  newSession(turn: number): MemberSession
  /** What failed, in words for people. */
  describe(error: unknown): string
  stats(): ConsumerStats
}

/** A consumer of a group: one session after the other until it is closed, with pauses that grow while they fail. */
export class Member implements OrderedConsumer {
  readonly #place: MemberPlace
  readonly #running: Promise<void>
  #session: MemberSession | undefined
  #closed = false
  #endPause: (() => void) | undefined

  constructor(place: MemberPlace) {
    this.#place = place
    this.#running = runOutside(() => this.#run())
  }

  stats(): ConsumerStats {
    return this.#place.stats()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#session?.close()
    this.#endPause?.()
    await this.#running
  }

  async #run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    for (let turn = 0; !this.#closed; turn++) {
      const begun = performance.now()
      const error = await this.#once(turn)
      if (this.#closed) return
      complain('consume', `${this.#place.name}: ${this.#place.describe(error)}`, this.#place.name)
      if (performance.now() - begun > GOOD_SESSION_MS) pauseMs = FIRST_PAUSE_MS
      await this.#pause(pauseMs)
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
    }
  }

  async #once(turn: number): Promise<unknown> {
    try {
      this.#session = this.#place.newSession(turn)
      return await this.#session.run()
    } catch (error) {
      return error
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
