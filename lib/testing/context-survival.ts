import { currentTraceId, runUnder } from '../context'
import { TracelaneError } from '../errors'
import { checkOptions, rules } from '../internal/options'
import { callSiteOf } from './call-site'

/**
 * Says "here my trace must be that of this run". Never throws while the run goes on. `where` names the place in the error; without it
 * the error has the file and line.
 */
export type ContextCheck = (where?: string) => void

/** Options of `expectContextSurvives`. */
export interface ContextSurvivalOptions {
  /**
   * How many runs of the function go on at the same time, each in a trace of its own: 2 to 10000.
   * @default 25
   */
  readonly runs?: number
}

/* What was found at one place. */
interface Findings {
  readonly lost: Set<number>
  readonly wrong: Set<number>
}

/**
 * Runs `fn` many times at once, each run in a trace of its own, and rejects if a `check()` in it finds another trace or none.
 *
 * For tests of your own stack, in any test runner: a pool, a queue, a client, a framework. `fn` gets `check` and the number of its run, and returns
 * a promise that settles after the last check. Rejects with ERR_TRACELANE_CONTEXT_LOST, naming each place with what was found there in how many
 * runs; with ERR_TRACELANE_CONTEXT_UNCHECKED if a run never called `check`; else with what `fn` itself threw first. A check that comes after
 * the end and finds the wrong trace throws where it is called.
 */
export async function expectContextSurvives(
  fn: (check: ContextCheck, run: number) => unknown,
  options: ContextSurvivalOptions = {},
): Promise<void> {
  checkOptions('expectContextSurvives', options, { runs: rules.integer(2, 10_000) })
  const { runs = 25 } = options
  const survival = new Survival(runs)
  const settled = await Promise.allSettled(Array.from({ length: runs }, (_, run) => survival.start(run, fn)))
  const failure = settled.find((result) => result.status === 'rejected')
  survival.end(failure)
  if (failure !== undefined) throw failure.reason
}

class Survival {
  readonly #runs: number
  readonly #places = new Map<string, Findings>()
  readonly #checked = new Set<number>()
  #ended = false

  constructor(runs: number) {
    this.#runs = runs
  }

  start(run: number, fn: (check: ContextCheck, run: number) => unknown): Promise<unknown> {
    return runUnder(undefined, async () => {
      const expected = currentTraceId()
      const check: ContextCheck = (where) => {
        const found = currentTraceId()
        this.#checked.add(run)
        if (found !== expected) this.#fail(run, where ?? callSiteOf(check), found === undefined ? 'lost' : 'wrong')
      }
      return await fn(check, run)
    })
  }

  /** Throws what the checks found; `failure` is the first that the function itself threw. */
  end(failure: PromiseRejectedResult | undefined): void {
    this.#ended = true
    const options = failure === undefined ? {} : { cause: failure.reason }
    if (this.#places.size > 0) {
      throw new TracelaneError(
        'ERR_TRACELANE_CONTEXT_LOST',
        `${this.#story()}; docs/guides/context-traps.md says what helps`,
        options,
      )
    }
    const unchecked = this.#runs - this.#checked.size
    if (unchecked === 0 || failure !== undefined) return
    const detail = `${unchecked} of ${this.#runs} runs never called check(), so they proved nothing; return a promise that settles after the last check`
    throw new TracelaneError('ERR_TRACELANE_CONTEXT_UNCHECKED', detail)
  }

  #fail(run: number, where: string, what: keyof Findings): void {
    if (this.#ended) {
      const found = what === 'lost' ? 'no trace' : 'another trace'
      const detail = `there was ${found} at ${where}, after the run had ended; return a promise that settles after the last check`
      throw new TracelaneError('ERR_TRACELANE_CONTEXT_LOST', detail)
    }
    const place = this.#places.get(where) ?? { lost: new Set(), wrong: new Set() }
    this.#places.set(where, place)
    place[what].add(run)
  }

  #story(): string {
    const parts = [...this.#places].flatMap(([where, { lost, wrong }]) => [
      ...(lost.size > 0 ? [`at ${where} there was no trace in ${lost.size} of ${this.#runs} runs`] : []),
      ...(wrong.size > 0 ? [`at ${where} there was another trace in ${wrong.size} of ${this.#runs} runs`] : []),
    ])
    return parts.join('; ')
  }
}
