import { checkOptions } from '../internal/options'
import { processWide } from '../internal/runtime'
import { compositePropagator, propagatorList } from './composite'
import type { Propagator } from './propagator'
import { resolveTargets, type TargetMatch, type Targets, targetsRule } from './targets'
import { w3cBaggage } from './w3c-baggage'
import { w3cTraceContext } from './w3c-trace-context'

/** Options of `configurePropagation`. */
export interface PropagationOptions {
  /**
   * Formats to read, in the order in which they are asked; the first that finds a valid context wins.
   * @default [w3cTraceContext, w3cBaggage]
   */
  readonly extract?: readonly Propagator[]
  /**
   * Formats to write, all of them.
   * @default [w3cTraceContext, w3cBaggage]
   */
  readonly inject?: readonly Propagator[]
  /**
   * The hosts that clients may tell about their trace, unless a client has `targets` of its own. Without it every host that the
   * application calls is told, and none that a redirect leads to.
   */
  readonly targets?: Targets
}

interface Propagation {
  composite: Propagator
  injectors: readonly Propagator[]
  targets: TargetMatch | undefined
}

const W3C: readonly Propagator[] = Object.freeze([w3cTraceContext, w3cBaggage])

/** What all middleware, interceptors, `extractTrace` and `injectTrace` of the process read and write. */
export const propagation: Propagation = processWide('propagation.1', () => resolve({}))

/**
 * Sets which formats of trace context this process reads and writes, and which hosts it tells. Call it once, at the start; a later
 * call replaces all that an earlier one said, also for middleware and interceptors that exist already.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options, and then nothing is changed.
 */
export function configurePropagation(options: PropagationOptions = {}): void {
  checkOptions('configurePropagation', options, { extract: propagatorList, inject: propagatorList, targets: targetsRule })
  Object.assign(propagation, resolve(options))
}

function resolve({ extract = W3C, inject = W3C, targets }: PropagationOptions): Propagation {
  return {
    composite: compositePropagator({ extract, inject }),
    injectors: Object.freeze([...inject]),
    targets: resolveTargets(targets),
  }
}
