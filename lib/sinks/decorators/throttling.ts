import { LEVELS, type Level, SEVERITY } from '../../event'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { type KeptBatch, keepBatch } from '../batch-part'
import type { AsyncSink, BatchResult, SinkSpec } from '../sink'
import { Bucket } from './bucket'
import { FATE, Fates } from './fates'
import { readInner } from './inner'
import type { Opening } from './opening'
import { RowMemory } from './row-memory'
import { Waits } from './timing'
import { wrong } from './wrong'

/** Options of `throttling`. */
export interface ThrottlingOptions {
  /** Events a second in the long run, above 0, at most 1,000,000,000. */
  readonly perSecond: number
  /**
   * How many may come at once, from 1 to 1,000,000,000.
   * @default as many as in one second
   */
  readonly burst?: number
  /**
   * What becomes of more. `wait`: it is sent later, and what comes meanwhile waits in the queue, where the overflow policy holds. `drop`: it is left out, and
   * counted as `filtered`.
   * @default 'wait'
   */
  readonly over?: 'wait' | 'drop'
  /**
   * With `over: 'drop'`: events above this level are always sent and use nothing up.
   * @default 'info'
   */
  readonly level?: Level
}

/** `throttling(...)` as data. */
export interface ThrottlingSpec {
  readonly kind: 'throttling'
  readonly options: Required<Omit<ThrottlingOptions, 'level'>> & Pick<ThrottlingOptions, 'level'> & { readonly sink: SinkSpec }
}

const MOST = 1e9
const rate: Rule = (value) =>
  typeof value === 'number' && value > 0 && value <= MOST ? undefined : `a number above 0, at most ${MOST}`
const RULES = {
  perSecond: rate,
  burst: rules.integer(1, MOST),
  over: rules.oneOf('wait', 'drop'),
  level: rules.oneOf(...LEVELS),
}

/**
 * `sink`, with so many events a second and no more. Throws ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/decorators.md.
 */
export function throttling(sink: SinkSpec, options: ThrottlingOptions): ThrottlingSpec {
  checkOptions('throttling', options, RULES, ['perSecond'])
  const { perSecond, burst = Math.max(1, Math.round(perSecond)), over = 'wait', level } = options
  if (level !== undefined && over === 'wait') throw wrong("throttling: 'level' says what is not dropped; it needs over: 'drop'")
  return Object.freeze({
    kind: 'throttling',
    options: Object.freeze({
      sink: readInner('throttling', sink),
      ...{ perSecond, burst, over },
      ...(over === 'drop' ? { level: level ?? 'info' } : {}),
    }),
  })
}

/**
 * Opens it on this thread. It has no `prepare`: how much of a batch is sent, and what of it together, depends on when it is sent; and where there is a
 * rate to keep, there is time to make a batch ready.
 */
export function openThrottling(options: ThrottlingSpec['options'], opening: Opening): AsyncSink {
  return options.over === 'drop' ? openDropping(options, opening) : openPacing(options, opening)
}

function openDropping(options: ThrottlingSpec['options'], opening: Opening): AsyncSink {
  const inner = opening.open(options.sink)
  const bucket = new Bucket(options, opening.timing)
  const highest = SEVERITY[options.level ?? 'info']
  /* Events that were let through and come again: they have paid. */
  const paid = new RowMemory<true>()
  return {
    async send(batch) {
      const whole = keepBatch(batch)
      const fates = new Fates(whole.rows().length)
      const known = paid.recall(whole)
      const passed: number[] = []
      whole.rows().forEach(({ severity }, row) => {
        if (severity >= highest + 4 || known[row] === true || bucket.take(1)) passed.push(row)
        else fates.set(row, FATE.filtered)
      })
      if (passed.length > 0) fates.enter(await inner.send(whole.part(passed)), passed)
      const answer = fates.result()
      const isDivided = answer.outcome === 'rejected' && answer.divisible === true
      for (const row of passed) paid.set(whole, row, isDivided || fates.at(row) === FATE.retryable ? true : undefined)
      return answer
    },
    close: () => inner.close(),
  }
}

function openPacing(options: ThrottlingSpec['options'], opening: Opening): AsyncSink {
  const inner = opening.open(options.sink)
  const bucket = new Bucket(options, opening.timing)
  const waits = new Waits(opening.timing)
  let last: Promise<unknown> = Promise.resolve()

  /* In portions, because a batch may be larger than all that may come at once. */
  const pace = async (whole: KeptBatch): Promise<BatchResult> => {
    const rows = [...whole.rows().keys()]
    const fates = new Fates(rows.length)
    for (let from = 0; from < rows.length; from += options.burst) {
      const portion = rows.slice(from, from + options.burst)
      while (!bucket.take(portion.length)) {
        if (!(await waits.wait(bucket.waitFor(portion.length)))) return fates.result()
      }
      fates.enter(await inner.send(whole.part(portion)), portion)
      // Nothing overtakes what did not get through.
      if (portion.some((row) => fates.at(row) === FATE.retryable)) break
    }
    return fates.result()
  }

  return {
    send(batch) {
      const whole = keepBatch(batch)
      const result = last.then(() => pace(whole))
      last = result
      return result
    },
    async close() {
      waits.close()
      await inner.close()
    },
  }
}
