import type { AsyncSink, SinkSpec } from '../sink'
import type { Timing } from './timing'

/** What events of a spool came to, in events; and bytes that were delivered. */
export interface ReplayOutcomes {
  readonly delivered: number
  readonly rejected: number
  readonly quarantined: number
  readonly filtered: number
  readonly bytes: number
}

/** What a decorator gets to open itself with. */
export interface Opening {
  readonly timing: Timing
  /**
   * Whether a decorator above does something else with events that are given back as `retryable`, such as to send them elsewhere. Nobody does at the top: there
   * they are sent again for ever.
   */
  readonly takesBack: boolean
  /** Hears, for people, that something was tried in vain and will be tried again. */
  onTrouble(reason: string): void
  /** Hears what events came to that were sent from a spool. */
  onReplayed(outcomes: ReplayOutcomes): void
  /** Opens a sink below. `takesBack` is passed on if it is not given. */
  open(spec: SinkSpec, takesBack?: boolean): AsyncSink
}
