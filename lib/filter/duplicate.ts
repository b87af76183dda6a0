import type { LogEvent } from '../event'
import { rules } from '../internal/options'
import type { Filter, Say } from './filter'
import { type Replies, type Reply, repliesOf, replyRules } from './reply'

/**
 * Matches events that do not repeat an earlier one too often: logback's DuplicateMessageFilter. Events are the same if logger, level and the
 * finished message are; fields do not count.
 *
 * What was denied is told in one line, `repeated 12 more times: <message>`, when its time is up, when it makes room for another message, at
 * a flush and at the end.
 */
export interface DuplicateFilterSpec extends Replies {
  readonly kind: 'duplicate'
  /**
   * How often a message may be repeated after the first time.
   * @default 5
   */
  readonly allowedRepetitions?: number
  /**
   * How many different messages are remembered, from 1 to 100,000; the one that was seen first makes room.
   * @default 100
   */
  readonly cacheSize?: number
  /**
   * After how many milliseconds a message is new again, from 1.
   * @default 60000
   */
  readonly expiresAfterMs?: number
}

/** The rules of `DuplicateFilterSpec`, for `checkOptions`. */
export const duplicateRules = {
  kind: rules.string,
  allowedRepetitions: rules.integer(0, 1e9),
  cacheSize: rules.integer(1, 100_000),
  expiresAfterMs: rules.integer(1, 2 ** 31),
  ...replyRules,
} as const

interface Seen {
  readonly level: LogEvent['level']
  readonly logger: string
  readonly msg: string
  readonly since: number
  repetitions: number
  denied: number
}

export function duplicateFilter(spec: DuplicateFilterSpec): Filter {
  return new DuplicateFilter(spec)
}

class DuplicateFilter implements Filter {
  readonly stateful = true
  readonly #allowed: number
  readonly #cacheSize: number
  readonly #expiresAfterMs: number
  readonly #reply: (matches: boolean) => Reply
  /* In the order in which they were first seen, so the first is the first to expire. */
  readonly #seen = new Map<string, Seen>()

  constructor(spec: DuplicateFilterSpec) {
    const { allowedRepetitions = 5, cacheSize = 100, expiresAfterMs = 60_000 } = spec
    this.#allowed = allowedRepetitions
    this.#cacheSize = cacheSize
    this.#expiresAfterMs = expiresAfterMs
    this.#reply = repliesOf(spec)
  }

  decide({ level, logger, msg, time }: LogEvent, say: Say): Reply {
    this.#expire(time, say)
    const key = `${level}\n${logger}\n${msg}`
    const seen = this.#seen.get(key)
    if (seen === undefined) {
      if (this.#seen.size >= this.#cacheSize) this.#forgetFirst(say)
      this.#seen.set(key, { level, logger, msg, since: time, repetitions: 0, denied: 0 })
      return this.#reply(true)
    }
    seen.repetitions++
    const reply = this.#reply(seen.repetitions <= this.#allowed)
    if (reply === 'deny') seen.denied++
    return reply
  }

  settle(say: Say): void {
    for (const seen of this.#seen.values()) tell(seen, say)
  }

  #expire(now: number, say: Say): void {
    for (const [key, seen] of this.#seen) {
      // Of a clock that was set back nothing is known.
      if (now >= seen.since && now - seen.since < this.#expiresAfterMs) return
      this.#seen.delete(key)
      tell(seen, say)
    }
  }

  #forgetFirst(say: Say): void {
    for (const [key, seen] of this.#seen) {
      this.#seen.delete(key)
      tell(seen, say)
      return
    }
  }
}

function tell(seen: Seen, say: Say): void {
  const { level, logger, msg, denied } = seen
  if (denied === 0) return
  seen.denied = 0
  say({ level, logger, msg: `repeated ${denied} more times: ${msg}`, fields: { repeated: denied } })
}
