import { type KeptBatch, keepBatch } from '../batch-part'
import type { AsyncSink, SinkSpec } from '../sink'
import { FATE, type Fate, Fates } from './fates'
import { readInners } from './inner'
import type { Opening } from './opening'
import { preparing } from './preparing'
import { RowMemory } from './row-memory'

/** `tee(...)` as data. */
export interface TeeSpec {
  readonly kind: 'tee'
  readonly options: { readonly sinks: readonly SinkSpec[] }
}

/**
 * Each of `sinks` gets everything, from one queue. An event is delivered when all have it, so the slowest one sets the pace; what one could not take is sent again
 * to that one only.
 *
 * For sinks that shall not wait for each other, list them side by side in `sinks` of `configure`: then each has a queue of its own. Throws
 * ERR_TRACELANE_OPTION_* for what are no sinks; docs/reference/sinks/decorators.md.
 */
export function tee(sinks: readonly SinkSpec[]): TeeSpec {
  return Object.freeze({ kind: 'tee', options: Object.freeze({ sinks: readInners('tee', sinks) }) })
}

/** What became of one event in each of the sinks. */
type Each = readonly Fate[]

/** Opens it on this thread. */
export function openTee({ sinks: specs }: TeeSpec['options'], opening: Opening): AsyncSink {
  const sinks = specs.map((spec) => opening.open(spec))
  /* Of events that come again: who has them. */
  const memory = new RowMemory<Each>()

  const sendTo = async (
    sink: AsyncSink,
    index: number,
    whole: KeptBatch,
    known: readonly (Each | undefined)[],
  ): Promise<Fates> => {
    const fates = new Fates(known.length)
    const missing: number[] = []
    known.forEach((each, row) => {
      const fate = each?.[index] ?? FATE.retryable
      if (fate === FATE.retryable) missing.push(row)
      else fates.set(row, fate)
    })
    // Under a name of its own for each sink: two of them may end at one server.
    if (missing.length > 0) fates.enter(await sink.send(whole.part(missing).labelled(`${index}`)), missing)
    return fates
  }

  return {
    ...preparing(sinks, (batch) => {
      const whole = keepBatch(batch)
      sinks.forEach((sink, i) => {
        sink.prepare?.(whole.labelled(`${i}`))
      })
    }),
    async send(batch) {
      const whole = keepBatch(batch)
      const known = memory.recall(whole)
      const all = await Promise.all(sinks.map((sink, i) => sendTo(sink, i, whole, known)))
      const joined = joinedFates(all, known.length)
      const answer = joined.result()
      const isDivided = answer.outcome === 'rejected' && answer.divisible === true && known.length > 1
      known.forEach((_, row) => {
        const isAgain = isDivided || joined.at(row) === FATE.retryable
        memory.set(whole, row, isAgain ? all.map((fates) => fateForLater(fates, row)) : undefined)
      })
      return answer
    },
    async close() {
      await Promise.all(sinks.map((sink) => sink.close()))
    },
  }
}

/* An event that was refused together with others comes again, with fewer of them. */
function fateForLater(fates: Fates, row: number): Fate {
  return fates.isDivisible(row) ? FATE.retryable : fates.at(row)
}

function joinedFates(all: readonly Fates[], rows: number): Fates {
  const joined = new Fates(rows)
  for (let row = 0; row < rows; row++) {
    const worst = all.reduce((a, b) => (b.at(row) > a.at(row) ? b : a))
    const isDivisible = worst.at(row) === FATE.rejected && all.some((fates) => fates.isDivisible(row))
    joined.set(row, worst.at(row), worst.reasonAt(row), isDivisible)
  }
  for (const { retryAfterMs } of all) joined.heedWait(retryAfterMs)
  return joined
}
