import type { AsyncSink } from '../sink'
import { openCircuitBreaking } from './circuit-breaking'
import { openFailover } from './failover'
import { openFiltering } from './filtering'
import type { Opening } from './opening'
import { openRetrying } from './retrying'
import { openRouting } from './routing'
import { openSpooling } from './spooling'
import type { DecoratorSpec } from './structure'
import { openTee } from './tee'
import { openThrottling } from './throttling'

/** Opens a decorator with all that is below it. Never throws, as all that opens a sink. */
export function openDecorator(spec: DecoratorSpec, opening: Opening): AsyncSink {
  switch (spec.kind) {
    case 'retrying':
      return openRetrying(spec.options, opening)
    case 'failover':
      return openFailover(spec.options, opening)
    case 'tee':
      return openTee(spec.options, opening)
    case 'routing':
      return openRouting(spec.options, opening)
    case 'filtering':
      return openFiltering(spec.options, opening)
    case 'throttling':
      return openThrottling(spec.options, opening)
    case 'circuit-breaking':
      return openCircuitBreaking(spec.options, opening)
    case 'spooling':
      return openSpooling(spec, opening)
  }
}
