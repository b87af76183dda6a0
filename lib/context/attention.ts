import { processWide } from '../internal/runtime'
import { runOutside } from './storage'
import type { TraceRoot } from './trace-context'

/** The level of one trace, whatever the levels of its loggers are. */
export interface LevelOverride {
  /** Events of this severity and above are written. */
  readonly severity: number
  /** Until when: milliseconds since the epoch. */
  readonly until: number
}

/** More than any severity; a small integer, which V8 compares faster than Infinity. */
export const NOBODY = 1000

/*
 * Who wants events below the level of their logger. The hot path reads `lowest` only, and only for a call that would do nothing:
 *
 *   lowest = min(recorder, overrides that live)
 *
 * An override lives until it expires, or until nothing refers to its trace any more: a request that is never answered leaves nothing behind.
 */
interface Attention {
  /** No call of a lower severity is wanted by anybody. */
  lowest: number
  recorder: number
  readonly overrides: Map<number, LevelOverride>
  /** How many live overrides there are of each severity: few severities, perhaps many overrides. */
  readonly counts: Map<number, number>
  readonly dead: FinalizationRegistry<number>
  nextId: number
  timer: NodeJS.Timeout | undefined
  /** When the timer fires: the earliest end of any override. */
  timerAt: number
}

/** Whether any call below its logger's level may be wanted in this process. */
export const attention: Readonly<Pick<Attention, 'lowest'>> = processWide('attention.1', () => ({
  lowest: NOBODY,
  recorder: NOBODY,
  overrides: new Map(),
  counts: new Map(),
  dead: new FinalizationRegistry<number>((id) => drop(id)),
  nextId: 0,
  timer: undefined,
  timerAt: Number.POSITIVE_INFINITY,
}))
const state = attention as Attention

const MAX_TIMER_MS = 2 ** 31 - 1

/** Says from which severity on a flight recorder takes events; `NOBODY`: there is none. */
export function attendForRecorder(severity: number): void {
  state.recorder = severity
  refresh()
}

/** Gives the trace of `root` a level of its own in this process, for a while. */
export function overrideLevel(root: TraceRoot, override: LevelOverride): void {
  root.levelOverride = override
  const id = state.nextId++
  const { severity, until } = override
  state.overrides.set(id, override)
  state.counts.set(severity, (state.counts.get(severity) ?? 0) + 1)
  state.dead.register(root, id)
  refresh()
  if (until < state.timerAt) wakeAt(until)
}

/** The severity from which events of the trace of `root` are written whatever their loggers' levels are; `NOBODY` without an override. */
export function overriddenSeverity({ levelOverride }: TraceRoot): number {
  return levelOverride !== undefined && Date.now() < levelOverride.until ? levelOverride.severity : NOBODY
}

function drop(id: number): void {
  const override = state.overrides.get(id)
  if (override === undefined) return
  const left = (state.counts.get(override.severity) ?? 1) - 1
  state.overrides.delete(id)
  if (left > 0) state.counts.set(override.severity, left)
  else state.counts.delete(override.severity)
  refresh()
  if (state.overrides.size === 0) wakeAt(Number.POSITIVE_INFINITY)
}

function refresh(): void {
  state.lowest = Math.min(state.recorder, ...state.counts.keys())
}

function wakeAt(time: number): void {
  clearTimeout(state.timer)
  state.timerAt = time
  const wait = Math.min(Math.max(time - Date.now(), 1), MAX_TIMER_MS)
  state.timer = time === Number.POSITIVE_INFINITY ? undefined : runOutside(() => setTimeout(dropExpired, wait).unref())
}

function dropExpired(): void {
  const now = Date.now()
  for (const [id, { until }] of state.overrides) if (until <= now) drop(id)
  let earliest = Number.POSITIVE_INFINITY
  for (const { until } of state.overrides.values()) earliest = Math.min(earliest, until)
  wakeAt(earliest)
}
