import { type BudgetOptions, checkBudget, checkFilters, checkSampling, type FilterSpec, type SamplingOptions } from '../filter'
import { checkFlightRecorder, type FlightRecorderOptions } from '../flight-recorder'
import type { Rule } from '../internal/options'
import { checkTargetedDebug, type TargetedDebugOptions } from '../targeted-debug'

/** Options of `configure` about how much is written; see docs/guides/volume.md. */
export interface VolumeOptions {
  /**
   * Asked in order about each event that its logger's level lets pass; the first that is not neutral decides. One that is accepted is neither
   * sampled nor over a budget.
   * @default []
   */
  readonly filters?: readonly FilterSpec[]
  /** The share of traces whose lines of level info and below are written; without it all are. */
  readonly sampling?: SamplingOptions
  /** How much each logger may write; without it, everything. */
  readonly budget?: BudgetOptions
  /**
   * Keeps the lines of a trace that are not written in memory, and writes them if it fails; true: with its defaults.
   * @default false
   */
  readonly flightRecorder?: boolean | FlightRecorderOptions
  /** Who may turn a single trace to another level; see docs/guides/targeted-debug.md. */
  readonly targetedDebug?: TargetedDebugOptions
}

const anything: Rule = () => undefined

/** The rules of `VolumeOptions`, for `checkOptions`; what is inside them is for `checkVolume`. */
export const volumeRules = {
  filters: anything,
  sampling: anything,
  budget: anything,
  flightRecorder: anything,
  targetedDebug: anything,
} as const

/** Checks what was given to `owner`; throws ERR_TRACELANE_OPTION_* with the cure. */
export function checkVolume(owner: string, options: VolumeOptions): void {
  const { filters, sampling, budget, flightRecorder, targetedDebug } = options
  if (filters !== undefined) checkFilters(`${owner}: filters`, filters)
  if (sampling !== undefined) checkSampling(`${owner}: sampling`, sampling)
  if (budget !== undefined) checkBudget(`${owner}: budget`, budget)
  if (typeof flightRecorder !== 'boolean') checkFlightRecorder(`${owner}: flightRecorder`, flightRecorder)
  checkTargetedDebug(`${owner}: targetedDebug`, targetedDebug)
}

/** A copy of options that are data, all the way down: what the caller changes later changes nothing. Functions stay what they are. */
export function copied<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copied) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, copied(inside)])) as T
}
