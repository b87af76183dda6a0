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
  readonly dead: FinalizationRegistry<number>
  nextId: number
  timer: NodeJS.Timeout | undefined
}

/** Whether any call below its logger's level may be wanted in this process. */
export const attention: Readonly<Pick<Attention, 'lowest'>> = processWide('attention.1', () => ({
  lowest: NOBODY,
  recorder: NOBODY,
  overrides: new Map(),
  dead: new FinalizationRegistry<number>((id) => {
    if (state.overrides.delete(id)) refresh()
  }),
  nextId: 0,
  timer: undefined,
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
  state.overrides.set(id, override)
  state.dead.register(root, id)
  refresh()
}

/** The severity from which events of the trace of `root` are written whatever their loggers' levels are; `NOBODY` without an override. */
export function overriddenSeverity({ levelOverride }: TraceRoot): number {
  return levelOverride !== undefined && Date.now() < levelOverride.until ? levelOverride.severity : NOBODY
}

function refresh(): void {
  const now = Date.now()
  let lowest = state.recorder
  let earliest = Number.POSITIVE_INFINITY
  for (const [id, { severity, until }] of state.overrides) {
    if (until <= now) state.overrides.delete(id)
    else {
      lowest = Math.min(lowest, severity)
      earliest = Math.min(earliest, until)
    }
  }
  state.lowest = lowest
  clearTimeout(state.timer)
  state.timer =
    earliest === Number.POSITIVE_INFINITY
      ? undefined
      : runOutside(() => setTimeout(refresh, Math.min(earliest - now, MAX_TIMER_MS)).unref())
}
