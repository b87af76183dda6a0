import { checkOptions, rules } from '../../internal/options'
import { keepBatch } from '../batch-part'
import { destinationOf } from '../destination'
import type { AsyncSink, BatchResult, SinkBatch, SinkSpec } from '../sink'
import { FATE, Fates } from './fates'
import { checkGivesBack, readInners } from './inner'
import type { Opening } from './opening'
import { preparing } from './preparing'
import { checkAcknowledged } from './sending'

/** Options of `failover`. */
export interface FailoverOptions {
  /**
   * How long a sink that failed is left alone, in milliseconds from 1 to 3,600,000; longer if its destination asks for more (`retry-after`). After that one
   * batch probes.
   * @default 60000
   */
  readonly probeAfterMs?: number
}

/** `failover(...)` as data. */
export interface FailoverSpec {
  readonly kind: 'failover'
  readonly options: Required<FailoverOptions> & { readonly sinks: readonly SinkSpec[] }
}

/**
 * The first of `sinks` that works gets what is logged. What one cannot take goes to the next at once; the one that failed is left alone for `probeAfterMs`.
 * Then one batch probes it: if it is taken, everything goes there again.
 *
 * What a sink refuses for good stays refused. Throws ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/decorators.md.
 */
export function failover(sinks: readonly SinkSpec[], options: FailoverOptions = {}): FailoverSpec {
  checkOptions('failover', options, { probeAfterMs: rules.integer(1, 3_600_000) })
  const { probeAfterMs = 60_000 } = options
  const inners = readInners('failover', sinks)
  checkAcknowledged('failover', inners)
  for (const one of inners.slice(0, -1)) checkGivesBack('failover', one)
  return Object.freeze({ kind: 'failover', options: Object.freeze({ sinks: inners, probeAfterMs }) })
}

interface Place {
  readonly sink: AsyncSink
  readonly name: string
  /** When it may be probed; undefined: it works. */
  downUntil: number | undefined
  isProbed: boolean
}

/** Opens it on this thread. */
export function openFailover({ sinks, probeAfterMs }: FailoverSpec['options'], opening: Opening): AsyncSink {
  const { timing, takesBack, onTrouble } = opening
  const places = sinks.map((spec, i): Place => {
    const sink = opening.open(spec, takesBack || i < sinks.length - 1)
    return { sink, name: destinationOf(spec), downUntil: undefined, isProbed: false }
  })

  const mayTry = ({ downUntil, isProbed }: Place): boolean => downUntil === undefined || (!isProbed && timing.now() >= downUntil)

  const sendTo = async (place: Place, batch: SinkBatch): Promise<BatchResult> => {
    const isProbe = place.downUntil !== undefined
    if (isProbe) place.isProbed = true
    const result = await place.sink.send(batch)
    if (isProbe) place.isProbed = false
    if (result.outcome === 'retryable') {
      if (place.downUntil === undefined) onTrouble(`${place.name} is left alone for now: ${result.reason}`)
      place.downUntil = timing.now() + Math.max(probeAfterMs, result.retryAfterMs ?? 0)
    } else place.downUntil = undefined
    return result
  }

  return {
    // For the one that would be asked first now; if that fails, the next one has its turn without.
    ...preparing(
      places.map(({ sink }) => sink),
      (batch) => places.find(mayTry)?.sink.prepare?.(keepBatch(batch)),
    ),
    async send(batch) {
      const whole = keepBatch(batch)
      let left = [...whole.rows().keys()]
      const fates = new Fates(left.length)
      // If all are down there is nothing better than to ask them all.
      const isAnyUp = places.some(mayTry)
      for (const place of places) {
        if (isAnyUp && !mayTry(place)) continue
        fates.forgetWaits()
        fates.enter(await sendTo(place, whole.part(left)), left)
        left = fates.rowsOf(FATE.retryable)
        if (left.length === 0) break
      }
      return fates.result()
    },
    async close() {
      await Promise.all(places.map(({ sink }) => sink.close()))
    },
  }
}
