import { checkOptions } from '../../internal/options'
import { keepBatch } from '../batch-part'
import { checkReadable } from '../line-form'
import type { AsyncSink, SinkSpec } from '../sink'
import { checkCondition, compileCondition, conditionRule, type EventCondition, EventView, readsLines } from './condition'
import { FATE, Fates } from './fates'
import { readInner } from './inner'
import type { Opening } from './opening'
import { wrong } from './wrong'

/** Options of `filtering`: one of the two. */
export interface FilteringOptions {
  /** Events like this go to the sink, and no others. */
  readonly keep?: EventCondition
  /** Events like this do not go to the sink; all others do. */
  readonly drop?: EventCondition
}

/** `filtering(...)` as data. */
export interface FilteringSpec {
  readonly kind: 'filtering'
  readonly options: FilteringOptions & { readonly sink: SinkSpec }
}

/**
 * `sink`, for some events only. What is left out is counted as `filtered`.
 *
 * It looks at finished lines, on the flush thread: to spare the making of a line, filter in the appender (`filters`). Throws
 * ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/decorators.md.
 */
export function filtering(sink: SinkSpec, options: FilteringOptions): FilteringSpec {
  checkOptions('filtering', options, { keep: conditionRule, drop: conditionRule })
  const { keep, drop } = options
  if ((keep === undefined) === (drop === undefined)) throw wrong("filtering needs either 'keep' or 'drop'")
  const name = keep === undefined ? 'drop' : 'keep'
  const condition = checkCondition(`filtering: ${name}`, (keep ?? drop) as EventCondition)
  const inner = readInner('filtering', sink)
  if (readsLines(condition)) checkReadable(`filtering: ${name}`, [inner])
  return Object.freeze({ kind: 'filtering', options: Object.freeze({ sink: inner, [name]: condition }) })
}

/** Opens it on this thread. */
export function openFiltering({ sink: spec, keep, drop }: FilteringSpec['options'], opening: Opening): AsyncSink {
  const inner = opening.open(spec)
  const isLike = compileCondition((keep ?? drop) as EventCondition)
  const isKept = keep === undefined ? (event: EventView) => !isLike(event) : isLike
  return {
    async send(batch) {
      const whole = keepBatch(batch)
      const fates = new Fates(whole.rows().length)
      const kept: number[] = []
      whole.rows().forEach((row, i) => {
        if (isKept(new EventView(whole.lines, row))) kept.push(i)
        else fates.set(i, FATE.filtered)
      })
      if (kept.length > 0) fates.enter(await inner.send(whole.part(kept)), kept)
      return fates.result()
    },
    close: () => inner.close(),
  }
}
