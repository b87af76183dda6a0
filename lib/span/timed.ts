import { types } from 'node:util'
import { runInScope, type Scope } from '../context'
import { failureText } from './failure'
import type { SpanRecord } from './span-end'

/** How a piece of work ended. */
export type TimedEnd = Pick<SpanRecord, 'outcome' | 'durationMs' | 'error'>

/**
 * Calls `fn` in `scope`, returns what it returns, and calls `ended` once: when `fn` has returned or thrown, or when the promise that it
 * returned has settled.
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
    result.then(
      () => end('ok'),
      (reason: unknown) => end('error', failureText(reason)),
    )
    return result
  })
}
