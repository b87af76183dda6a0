import { types } from 'node:util'
import { runInScope, type Scope } from '../context'
import { failureText } from './failure'
import type { SpanRecord } from './span-end'

/** How a piece of work ended. */
export type TimedEnd = Pick<SpanRecord, 'outcome' | 'durationMs' | 'error'>

/**
 * Calls `fn` in `scope`, returns what it returns, and calls `ended` once: when `fn` has returned or thrown. If it returns a promise,
 * `ended` is called when that has settled, and what is returned is a promise that settles the same way after it.
 */
export function runTimed<R>(scope: Scope, fn: () => R, ended: (end: TimedEnd) => void): R {
  const start = performance.now()
  const end = (outcome: SpanRecord['outcome'], error?: string): void =>
    ended({ outcome, durationMs: performance.now() - start, error })
  return runInScope(scope, () => {
    let result: R
    try {
      result = fn()
    } catch (thrown) {
      end('error', failureText(thrown))
      throw thrown
    }
    if (!types.isPromise(result)) {
      end('ok')
      return result
    }
    // Not the promise of `fn` itself: a handler on that would hide a rejection that nobody handles.
    return result.then(
      (value: unknown) => {
        end('ok')
        return value
      },
      (reason: unknown) => {
        end('error', failureText(reason))
        throw reason
      },
    ) as R
  })
}
