import { guardWithheld } from '../appender'
import { attendForRecorder, NOBODY, overriddenSeverity, type Scope, type TraceRoot } from '../context'
import { counters, eventLeftOut } from '../diagnostics'
import { captureEvent, type LogEvent, marked, SEVERITY, subscribeEvents } from '../event'
import { Budget, Filters, type Note, Sampler } from '../filter'
import { FlightRecorder } from '../flight-recorder'
import type { VolumeOptions } from './volume-options'

type Reason = 'filtered' | 'sampled' | 'budget' | 'level'

const COUNTER = {
  filtered: 'eventsFiltered',
  sampled: 'eventsSampled',
  budget: 'eventsOverBudget',
  level: 'eventsBelowLevel',
} as const

/** Where events go on. */
export interface Outlet {
  /** Gives an event to the appenders of its logger. */
  write(event: LogEvent): void
  /** `write`, if the level of its logger lets it pass. */
  writeIfEnabled(event: LogEvent): void
}

/**
 * Decides, inside the log call, which events go on to the appenders.
 *
 *   level passed ──▶ filters ──▶ makes its trace fail? ──▶ sampling ──▶ budget ──▶ seq, appenders
 *                      │ deny          │ yes: what is kept comes first   │ no      │ no
 *                      ▼               ▼                                 ▼         ▼
 *                   filtered        appenders                        flight recorder, else sampled or budget
 *
 *   level not passed, in a trace ──▶ filters that count nothing ──▶ flight recorder
 *
 * What a targeted trace writes is neither sampled nor over a budget. Each event that does not go on is counted. Never throws. Whoever made it
 * closes it.
 */
export class VolumeControl {
  readonly #outlet: Outlet
  readonly #filters: Filters | undefined
  readonly #sampler: Sampler | undefined
  readonly #budget: Budget | undefined
  readonly #recorder: FlightRecorder | undefined
  readonly #cleanUp: readonly (() => void)[]

  /** From options that were checked. */
  constructor(options: VolumeOptions, outlet: Outlet) {
    const { filters, sampling, budget, flightRecorder = false } = options
    this.#outlet = outlet
    this.#filters = filters === undefined || filters.length === 0 ? undefined : new Filters(filters)
    this.#sampler = sampling && new Sampler(sampling)
    this.#budget = budget && new Budget(budget)
    this.#recorder = flightRecorder === false ? undefined : new FlightRecorder(flightRecorder === true ? {} : flightRecorder)
    const recorder = this.#recorder
    attendForRecorder(recorder?.severity ?? NOBODY)
    this.#cleanUp = [
      guardWithheld({ ending: () => this.settle(), crashing: () => this.#writeAll(recorder?.crash()) }),
      subscribeEvents({ onTraceEnded: ({ failed }, local) => this.#writeAll(recorder?.end(local, failed)) }),
    ]
  }

  /** Whether `options` ask for anything that needs a control. */
  static isNeeded({ filters = [], sampling, budget, flightRecorder = false }: VolumeOptions): boolean {
    return filters.length > 0 || sampling !== undefined || budget !== undefined || flightRecorder !== false
  }

  /** What of `event`, said in `scope`, which its logger's level lets pass, goes on; undefined: nothing. Delivers what must come before it. */
  admitted(event: LogEvent, scope: Scope | undefined): LogEvent | undefined {
    const reply = this.#filters?.decide(event, this.#say) ?? 'neutral'
    if (reply === 'deny') return leftOut('filtered', event)
    const root = rootOf(event, scope)
    if (this.#recorder?.isFailure(event)) {
      if (root !== undefined) this.#writeAll(this.#recorder.fail(root))
      return event
    }
    if (reply === 'accept' || isTargeted(event, root)) return event
    const rate = this.#sampler?.rateFor(event) ?? 1
    if (rate === 0) return this.#spared('sampled', event, root)
    if (this.#budget?.allows(event, this.#say) === false) return this.#spared('budget', event, root)
    return rate === 1 ? event : marked(event, { rate })
  }

  /** Whether there is a flight recorder. */
  get isRecording(): boolean {
    return this.#recorder !== undefined
  }

  /** Whether the flight recorder takes events of `severity` whose level does not pass. */
  records(severity: number): boolean {
    return this.#recorder !== undefined && severity >= this.#recorder.severity
  }

  /** Keeps `event`, whose level does not pass, for the case that its trace fails. */
  keep(event: LogEvent, scope: Scope | undefined): void {
    const root = rootOf(event, scope)
    if (root === undefined || this.#recorder === undefined) return
    if (this.#filters?.foresee(event, this.#say) === 'deny') {
      leftOut('filtered', event)
      return
    }
    this.#recorder.record(event, root)
    if (this.#recorder.isFailedEnd(event)) this.#writeAll(this.#recorder.fail(root))
  }

  /** Tells what was held back and not told yet. */
  settle(): void {
    this.#filters?.settle(this.#say)
    this.#budget?.settle(this.#say)
  }

  /** Tells what was held back, and forgets what the flight recorder has. */
  close(): void {
    this.settle()
    for (const end of this.#cleanUp) end()
    attendForRecorder(NOBODY)
    this.#recorder?.close()
  }

  readonly #say = (note: Note): void => this.#outlet.writeIfEnabled(captureEvent(undefined, note))

  #writeAll(events: readonly LogEvent[] = []): void {
    for (const event of events) this.#outlet.write(event)
  }

  #spared(reason: Reason, event: LogEvent, root: TraceRoot | undefined): undefined {
    if (root === undefined || !this.records(SEVERITY[event.level])) return leftOut(reason, event)
    this.#recorder?.record(event, root)
    return undefined
  }
}

/** Counts an event that does not go on, and tells who listens. */
export function leftOut(reason: Reason, event: LogEvent): undefined {
  counters[COUNTER[reason]]++
  if (eventLeftOut.hasSubscribers) eventLeftOut.publish({ reason, event })
}

/* An event may be told from outside its flow: then nothing is known of its trace here. */
function rootOf({ traceId }: LogEvent, scope: Scope | undefined): TraceRoot | undefined {
  return scope !== undefined && scope.context.traceId === traceId ? scope.root : undefined
}

function isTargeted({ level }: LogEvent, root: TraceRoot | undefined): boolean {
  return root !== undefined && SEVERITY[level] >= overriddenSeverity(root)
}
