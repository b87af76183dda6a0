import { currentTraceId, runWithTrace } from 'tracelane'

/** What was found where a trace was expected: the right one, none, another flow's, or a request that could not be freed. */
export type Outcome = 'ok' | 'lost' | 'wrong' | 'lost, wrong' | 'pinned'

/** The lines of Node.js that the table has columns for. */
export const NODE_LINES = ['20', '22', '24', '26'] as const
export type NodeLine = (typeof NODE_LINES)[number]

/** One way to lose the context, which is run without any change in the user's code (`cured` is false) and with the cure. */
export interface Trap {
  readonly name: string
  /** Without any change: on every line of Node.js, or on each. With the cure it is always 'ok'. */
  readonly plain: Outcome | Readonly<Record<NodeLine, Outcome>>
  /** What to use, as Markdown; undefined if nothing is needed, because the plain column is 'ok'. */
  readonly cure?: string
  run(flows: Flows, cured: boolean): Promise<unknown>
}

export interface TrapGroup {
  readonly title: string
  readonly traps: readonly Trap[]
  /** A program that the traps need and npm does not bring. */
  readonly needs?: string
  /** Starts what all traps of the group use, and gives what ends it. */
  open?(): Promise<() => Promise<unknown>>
}

const TRACE_IDS = { A: 'a'.repeat(32), B: 'b'.repeat(32) } as const

/** The two flows of a trap, and what was seen of them. */
export type Who = keyof typeof TRACE_IDS

/** Both, for traps that treat them alike. */
export const BOTH: readonly Who[] = ['A', 'B']

/** The `traceparent` of a flow. */
export const traceparentOf = (who: Who): string => `00-${TRACE_IDS[who]}-00f067aa0ba902b7-01`

/** Two flows, and the traces in which their parts ran. */
export class Flows {
  readonly #seen: Outcome[] = []

  /** Calls `fn` in the trace of `who`. */
  run<R>(who: Who, fn: () => R): R {
    return runWithTrace({ traceparent: traceparentOf(who) }, fn)
  }

  /** Says that this should be running in the trace of `who`; undefined: outside any trace. */
  note(who: Who | undefined): void {
    this.found(who, currentTraceId())
  }

  /** Says that `traceId` was found where that of `who` should be. */
  found(who: Who | undefined, traceId: string | undefined): void {
    const expected = who === undefined ? undefined : TRACE_IDS[who]
    this.add(traceId === expected ? 'ok' : traceId === undefined ? 'lost' : 'wrong')
  }

  add(outcome: Outcome): void {
    this.#seen.push(outcome)
  }

  get count(): number {
    return this.#seen.length
  }

  /** What all notes together say; throws if there is none, because then nothing was tried. */
  get outcome(): Outcome {
    if (this.#seen.length === 0) throw new Error('nothing was noted')
    const bad = [...new Set(this.#seen.filter((outcome) => outcome !== 'ok'))].sort()
    return bad.length === 0 ? 'ok' : (bad.join(', ') as Outcome)
  }
}

/** Runs one column of a trap here. */
export async function outcomeOf(trap: Trap, cured: boolean): Promise<Outcome> {
  const flows = new Flows()
  await trap.run(flows, cured)
  return flows.outcome
}

/** What the table expects of a trap on a line of Node.js without any change. */
export function expectedOn(trap: Trap, line: NodeLine): Outcome {
  return typeof trap.plain === 'string' ? trap.plain : trap.plain[line]
}

/** The line of this process; a later one counts as the last. */
export function thisLine(): NodeLine {
  const major = process.versions.node.split('.')[0] as string
  return [...NODE_LINES].reverse().find((line) => Number(line) <= Number(major)) ?? NODE_LINES[0]
}

/** `fn`, bound to the flow of now if `bind` says so. */
export function boundIf<F>(cured: boolean, bind: (fn: F) => F, fn: F): F {
  return cured ? bind(fn) : fn
}

/** A promise, and what settles it. */
export function deferred<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
