import { checkOptions } from '../../internal/options'
import { keepBatch } from '../batch-part'
import { checkReadable } from '../line-form'
import type { AsyncSink, BatchEvent, SinkSpec } from '../sink'
import { checkCondition, compileCondition, conditionRule, type EventCondition, EventView, readsLines } from './condition'
import { FATE, Fates } from './fates'
import { readInner } from './inner'
import type { Opening } from './opening'
import { Looked, preparing } from './preparing'
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
  const looked = new Looked((whole) => {
    const rows = [...whole.rows().keys()]
    const kept = rows.filter((i) => isKept(new EventView(whole.lines, whole.rows()[i] as BatchEvent)))
    return { kept, part: kept.length === 0 ? undefined : whole.part(kept) }
  })
  return {
    ...preparing([inner], (batch) => {
      const { part } = looked.at(keepBatch(batch))
      if (part !== undefined) inner.prepare?.(part)
    }),
    async send(batch) {
      const whole = keepBatch(batch)
      const { kept, part } = looked.at(whole)
      const fates = new Fates(whole.rows().length)
      for (const row of whole.rows().keys()) fates.set(row, FATE.filtered)
      if (part !== undefined) fates.enter(await inner.send(part), kept)
      return fates.result()
    },
    close: () => inner.close(),
  }
}
