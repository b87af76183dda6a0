import { checkOptions, rules } from '../../internal/options'
import { keepBatch } from '../batch-part'
import type { AsyncSink, SinkSpec } from '../sink'
import { FATE, Fates } from './fates'
import { readInner } from './inner'
import type { Opening } from './opening'
import { preparing } from './preparing'
import { checkAcknowledged } from './sending'
import { Waits } from './timing'
import { wrong } from './wrong'

/** Options of `retrying`. */
export interface RetryingOptions {
  /**
   * How often an event is sent at most, from 1. After that it is given up: a `failover` or a `spooling` around this sink takes it, else it is counted as
   * rejected.
   * @default as often as it takes
   */
  readonly attempts?: number
  /**
   * How long after the first try the last one may begin, in milliseconds from 0 to 86,400,000. After that as after the last attempt.
   * @default as long as it takes
   */
  readonly deadlineMs?: number
  /**
   * The longest wait before the second try, in milliseconds from 1 to 3,600,000; it doubles with each further one.
   * @default 100
   */
  readonly firstDelayMs?: number
  /**
   * The longest wait before any try, in milliseconds from 1 to 3,600,000, unless the destination itself asks for more (`retry-after`).
   * @default 30000
   */
  readonly maxDelayMs?: number
}

/** `retrying(...)` as data. */
export interface RetryingSpec {
  readonly kind: 'retrying'
  readonly options: RetryingOptions & {
    readonly sink: SinkSpec
    readonly firstDelayMs: number
    readonly maxDelayMs: number
  }
}

const HOUR_MS = 3_600_000

/** The rules of `RetryingOptions`. */
const RULES = {
  attempts: rules.integer(1, 1_000_000),
  deadlineMs: rules.integer(0, 24 * HOUR_MS),
  firstDelayMs: rules.integer(1, HOUR_MS),
  maxDelayMs: rules.integer(1, HOUR_MS),
}

/**
 * `sink`, with what it could not take sent again: each time after a wait that is drawn by chance between 0 and a bound that doubles ("full jitter"), so that
 * many processes do not come back all at once; never before `retry-after` is over.
 *
 * While it waits, later batches wait behind. Throws ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/decorators.md.
 */
export function retrying(sink: SinkSpec, options: RetryingOptions = {}): RetryingSpec {
  checkOptions('retrying', options, RULES)
  const { attempts, deadlineMs, maxDelayMs = 30_000 } = options
  const { firstDelayMs = Math.min(100, maxDelayMs) } = options
  if (firstDelayMs > maxDelayMs) throw wrong("retrying: 'firstDelayMs' must not be larger than 'maxDelayMs'")
  const inner = readInner('retrying', sink)
  checkAcknowledged('retrying', [inner])
  if (inner.kind === 'retrying') throw wrong('retrying: the sink is a retrying itself: take one of them out')
  return Object.freeze({
    kind: 'retrying',
    options: Object.freeze({
      sink: inner,
      ...(attempts === undefined ? {} : { attempts }),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...{ firstDelayMs, maxDelayMs },
    }),
  })
}

/** Opens it on this thread. */
export function openRetrying(options: RetryingSpec['options'], opening: Opening): AsyncSink {
  const { attempts = Infinity, deadlineMs = Infinity, firstDelayMs, maxDelayMs } = options
  const { timing, takesBack, onTrouble } = opening
  const inner = opening.open(options.sink, true)
  const waits = new Waits(timing)

  /* How long to wait after so many tries. */
  const delayAfter = (tries: number, retryAfterMs = 0): number =>
    Math.max(timing.random() * Math.min(firstDelayMs * 2 ** (tries - 1), maxDelayMs), retryAfterMs)

  return {
    ...preparing([inner], (batch) => inner.prepare?.(keepBatch(batch))),
    async send(batch) {
      const whole = keepBatch(batch)
      const rows = [...whole.rows().keys()]
      const fates = new Fates(rows.length)
      const lastStart = timing.now() + deadlineMs
      for (let tries = 1, left = rows; ; tries++) {
        fates.forgetWaits()
        const result = await inner.send(whole.part(left))
        fates.enter(result, left)
        left = fates.rowsOf(FATE.retryable)
        if (left.length === 0 || result.outcome === 'delivered' || waits.isClosed) return fates.result()
        const delayMs = delayAfter(tries, result.retryAfterMs)
        if (tries >= attempts || timing.now() + delayMs > lastStart) {
          if (!takesBack) fates.giveUp(`given up after ${tries} tries`)
          return fates.result()
        }
        onTrouble(result.reason)
        if (!(await waits.wait(delayMs))) return fates.result()
      }
    },
    async close() {
      waits.close()
      await inner.close()
    },
  }
}
