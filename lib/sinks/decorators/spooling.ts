import { resolve } from 'node:path'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { type KeptBatch, keepBatch } from '../batch-part'
import { destinationOf } from '../destination'
import type { AsyncSink, BatchResult, SinkSpec } from '../sink'
import { FATE, Fates } from './fates'
import { checkGivesBack, readInner } from './inner'
import type { Opening } from './opening'
import { preparing } from './preparing'
import { Replay } from './replay'
import { checkAcknowledged } from './sending'
import { newSpoolCounts } from './spool-counts'
import { SpoolStore } from './spool-store'

/** Options of `spooling`. */
export interface SpoolingOptions {
  /** A folder; each sink of each process has a folder of its own in it. What a process leaves there is delivered by the next one that has the same sink. */
  readonly directory: string
  /**
   * What the spool may take, in bytes from 4 KiB to 1 TiB.
   * @default 256 MiB
   */
  readonly maxBytes?: number
  /**
   * What happens when it is full: new events are given back, and wait in the queue; or the oldest ones are dropped, a segment (8 MiB or a quarter of `maxBytes`) at
   * a time.
   * @default 'refuse'
   */
  readonly whenFull?: 'refuse' | 'drop-oldest'
  /**
   * `order-first`: as long as something lies in the spool, what comes goes behind it, so the order stays. `live-first`: what comes is sent at once, and what lies in the spool follows when
   * nothing else is on its way.
   * @default 'order-first'
   */
  readonly order?: 'order-first' | 'live-first'
  /**
   * How many events a second are sent from the spool at most, above 0, at most 1,000,000,000.
   * @default as many as the destination takes
   */
  readonly replayPerSecond?: number
}

/** `spooling(...)` as data. */
export interface SpoolingSpec {
  readonly kind: 'spooling'
  readonly options: Required<Omit<SpoolingOptions, 'replayPerSecond'>> &
    Pick<SpoolingOptions, 'replayPerSecond'> & { readonly sink: SinkSpec }
  /** Where its threads tell each other what lies in the spool. */
  readonly shared: SharedArrayBuffer
}

const MOST = 1e9
const rate: Rule = (value) =>
  typeof value === 'number' && value > 0 && value <= MOST ? undefined : `a number above 0, at most ${MOST}`
const RULES = {
  directory: rules.string,
  maxBytes: rules.integer(4096, 2 ** 40),
  whenFull: rules.oneOf('refuse', 'drop-oldest'),
  order: rules.oneOf('order-first', 'live-first'),
  replayPerSecond: rate,
}

/**
 * `sink`, with what it cannot take now kept on the disk, and sent from there when it can. Events that lie there survive the end of the process, `kill -9` included.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options; docs/reference/decorators.md.
 */
export function spooling(sink: SinkSpec, options: SpoolingOptions): SpoolingSpec {
  checkOptions('spooling', options, RULES, ['directory'])
  const { directory, maxBytes = 2 ** 28, whenFull = 'refuse', order = 'order-first', replayPerSecond } = options
  const inner = readInner('spooling', sink)
  checkAcknowledged('spooling', [inner])
  checkGivesBack('spooling', inner)
  return Object.freeze({
    kind: 'spooling',
    options: Object.freeze({
      sink: inner,
      ...{ directory: resolve(directory), maxBytes, whenFull, order },
      ...(replayPerSecond === undefined ? {} : { replayPerSecond }),
    }),
    shared: newSpoolCounts(),
  })
}

/** Opens it on this thread. */
export function openSpooling({ options, shared }: SpoolingSpec, opening: Opening): AsyncSink {
  const { timing, onTrouble } = opening
  const inner = opening.open(options.sink, true)
  const store = new SpoolStore(options, destinationOf(options.sink), shared, timing, onTrouble)
  const replay = new Replay(store, inner, options, opening)

  const onTheirWay = new Set<Promise<BatchResult>>()

  const isPassing = (): boolean => options.order === 'live-first' || store.isEmpty

  async function pass(whole: KeptBatch): Promise<BatchResult> {
    const fates = new Fates(whole.rows().length)
    let left = [...whole.rows().keys()]
    if (isPassing()) {
      replay.hold()
      fates.enter(await inner.send(whole), left)
      replay.goOn()
      left = fates.rowsOf(FATE.retryable)
      if (left.length === 0) return fates.result()
    }
    const refusal = store.append(whole.part(left))
    for (const row of left) {
      if (refusal === undefined) fates.set(row, FATE.spooled)
      else fates.set(row, FATE.retryable, `${fates.reasonAt(row) ?? 'others wait before it'}; not spooled: ${refusal}`)
    }
    replay.wake()
    return fates.result()
  }

  return {
    // What would go behind others in the spool is not sent from here.
    ...preparing([inner], (batch) => {
      if (isPassing()) inner.prepare?.(keepBatch(batch))
    }),
    async send(batch) {
      const answer = pass(keepBatch(batch))
      onTheirWay.add(answer)
      const result = await answer
      onTheirWay.delete(answer)
      return result
    },
    async close() {
      replay.close()
      await inner.close()
      // What the sink gives back because it is closed is kept.
      await Promise.all([replay.ended, ...onTheirWay])
      store.close()
    },
  }
}
