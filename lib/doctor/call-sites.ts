import { currentFlow, type Flow, type Scope } from '../context'
import type { RequestMark } from './requests'
import { callStack } from './stack'
import { isBackground, LOGGERS, type Trap, trapOf } from './trap'

/** The log calls of one place in the source. */
export interface CallSite {
  /** `file:line` relative to the working directory, or the package that logs. */
  readonly where: string
  readonly total: number
  /** Those that had no trace id, for whatever reason; calls in `detach` are meant to have none and are not among them. */
  readonly untraced: number
  /** In a request that got its trace only later. */
  readonly beforeTrace: number
  /** In a request that has a trace, by something that stands before the middleware. */
  readonly besideTrace: number
  /** While a request was served, from a flow that should have had its trace. */
  readonly lost: number
  /** In the trace of a request that was answered more than ten seconds before. */
  readonly outlived: number
  /** What the stack of the last lost call speaks for. */
  readonly trap: Trap | undefined
}

type Entry = { -readonly [K in keyof CallSite]: CallSite[K] } & { idle: number }

/** The places of which more is kept than their sum. */
export const MAX_SITES = 1000

/* Log calls of one request before it has a trace, if it ever gets one, of which is kept where they were made. */
const MAX_EARLY = 20

const OUTLIVED_AFTER_MS = 10_000

/** Counts log calls by the place that logs. It keeps at most `MAX_SITES` places; the calls of later ones are counted together. */
export class CallSites {
  readonly #entries = new Map<string, Entry>()
  total = 0
  untraced = 0
  /** Calls in `detach`, which are meant to have no trace. */
  detached = 0
  /** Calls of places for which there was no room. */
  elsewhere = 0

  /** One log call in `scope` (undefined: no trace), in the request of `mark`; `busy` tells whether any request is being served. */
  count(scope: Scope | undefined, mark: RequestMark | undefined, busy: boolean): void {
    const stack = callStack()
    const library = stack.packages.find((name) => !LOGGERS.has(name))
    const entry = this.#entryOf(stack.site ?? (library === undefined ? 'an unknown place' : `the package ${library}`))
    this.total++
    if (entry === undefined) this.elsewhere++
    else entry.total++
    if (scope !== undefined) {
      if (entry !== undefined && hasOutlived(scope, mark)) entry.outlived++
      return
    }
    if (isDetached(currentFlow())) {
      this.detached++
      return
    }
    this.untraced++
    if (entry === undefined) return
    entry.untraced++
    if (mark !== undefined) {
      if (mark.traced) entry.besideTrace++
      else if (mark.logged.length < MAX_EARLY) mark.logged.push(entry)
    } else if (!busy) entry.idle++
    else if (!isBackground(stack)) {
      entry.lost++
      entry.trap = trapOf(stack)
    }
  }

  /** What is known, by place. A place that also logs while nothing is served is a background task, so its calls count as none lost. */
  sites(): readonly CallSite[] {
    return [...this.#entries.values()]
      .map(({ idle, ...site }) => (idle > 0 && site.untraced === site.total ? { ...site, lost: 0, trap: undefined } : site))
      .sort((a, b) => (a.where < b.where ? -1 : 1))
  }

  #entryOf(where: string): Entry | undefined {
    let entry = this.#entries.get(where)
    if (entry === undefined && this.#entries.size < MAX_SITES) {
      entry = { where, total: 0, untraced: 0, beforeTrace: 0, besideTrace: 0, lost: 0, outlived: 0, idle: 0, trap: undefined }
      this.#entries.set(where, entry)
    }
    return entry
  }
}

/* What a request starts may end a little after its answer; a heartbeat or a subscription goes on. A trace of `forkTrace` is another one. */
function hasOutlived({ root }: Scope, mark: RequestMark | undefined): boolean {
  return mark?.answered !== undefined && mark.answered.root === root && Date.now() - mark.answered.at > OUTLIVED_AFTER_MS
}

/* `detach` leaves a flow that is empty, and not none. */
function isDetached(flow: Flow | undefined): boolean {
  return flow !== undefined && flow.context === undefined && flow.foreign === undefined
}
