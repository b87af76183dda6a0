import { checkOptions, rules } from '../../internal/options'
import type { AsyncSink, BatchResult, SinkBatch, SinkSpec } from '../sink'
import { checkGivesBack, readInner } from './inner'
import type { Opening } from './opening'
import { preparing } from './preparing'
import { checkAcknowledged } from './sending'

/** Options of `circuitBreaking`. */
export interface CircuitBreakingOptions {
  /**
   * After how many sends in a row that failed the circuit opens, from 1 to 1,000,000.
   * @default 5
   */
  readonly failures?: number
  /**
   * How long nothing is sent then, in milliseconds from 1 to 3,600,000; longer if the destination asks for more (`retry-after`). After that one batch
   * probes.
   * @default 30000
   */
  readonly openMs?: number
}

/** `circuitBreaking(...)` as data. */
export interface CircuitBreakingSpec {
  readonly kind: 'circuit-breaking'
  readonly options: Required<CircuitBreakingOptions> & { readonly sink: SinkSpec }
}

const RULES = { failures: rules.integer(1, 1_000_000), openMs: rules.integer(1, 3_600_000) }

/** While a probe is on its way, others are asked to come again after that. */
const PROBE_LOOK_MS = 100

/**
 * `sink`, left alone while it is down. After `failures` failed sends in a row the circuit opens: batches are given back at once, without a send. After
 * `openMs` it is half open: one batch goes through as a probe. If it is taken the circuit closes, else it stays open as long again.
 *
 * A destination that refuses events, or takes some, is not down. Throws ERR_TRACELANE_OPTION_* for wrong options;
 * docs/reference/sinks/decorators.md.
 */
export function circuitBreaking(sink: SinkSpec, options: CircuitBreakingOptions = {}): CircuitBreakingSpec {
  checkOptions('circuitBreaking', options, RULES)
  const { failures = 5, openMs = 30_000 } = options
  const inner = readInner('circuitBreaking', sink)
  checkAcknowledged('circuitBreaking', [inner])
  checkGivesBack('circuitBreaking', inner)
  return Object.freeze({ kind: 'circuit-breaking', options: Object.freeze({ sink: inner, failures, openMs }) })
}

/** Opens it on this thread. */
export function openCircuitBreaking(options: CircuitBreakingSpec['options'], opening: Opening): AsyncSink {
  const { failures, openMs } = options
  const { timing, onTrouble } = opening
  const inner = opening.open(options.sink)
  let inARow = 0
  let openUntil: number | undefined
  let isProbing = false
  let reason = ''
  /* Counts the times that the circuit opened or closed: an answer to what was sent before the last one says nothing new. */
  let turn = 0

  const givenBack = (ms: number): BatchResult => ({
    ...{ outcome: 'retryable', reason: `the circuit is open, after: ${reason}` },
    retryAfterMs: Math.ceil(ms),
  })

  const close = (): void => {
    inARow = 0
    if (openUntil !== undefined) turn++
    openUntil = undefined
  }

  const fail = (said: string, retryAfterMs = 0): void => {
    reason = said
    inARow++
    if (openUntil === undefined && inARow < failures) return
    if (openUntil === undefined) onTrouble(`the circuit opens after ${inARow} failures: ${reason}`)
    turn++
    openUntil = timing.now() + Math.max(openMs, retryAfterMs)
  }

  const pass = async (batch: SinkBatch): Promise<BatchResult> => {
    const sentIn = turn
    const result = await inner.send(batch)
    if (sentIn !== turn) return result
    if (result.outcome === 'retryable') fail(result.reason, result.retryAfterMs)
    else close()
    return result
  }

  return {
    // While the circuit is open the batch would be made ready for nothing.
    ...preparing([inner], (batch) => {
      if (openUntil === undefined) inner.prepare?.(batch)
    }),
    async send(batch) {
      if (openUntil === undefined) return pass(batch)
      const restMs = openUntil - timing.now()
      if (restMs > 0 || isProbing) return givenBack(Math.max(restMs, PROBE_LOOK_MS))
      isProbing = true
      const result = await pass(batch)
      isProbing = false
      return result
    },
    close: () => inner.close(),
  }
}
