import type { AsyncSink, BatchResult } from '../sink'
import type { Timing } from './timing'

/* What was given back may come again as late as the longest `retry-after` that a sink asks for, and a moment. */
const COMES_AGAIN_MS = 900_000

/** A sink that is opened when it is first needed, and closed when it was not for `idleMs`; then it is opened again. */
export function openWhenNeeded(open: () => AsyncSink, idleMs: number, timing: Timing): AsyncSink {
  let sink: AsyncSink | undefined
  let onTheirWay = 0
  let callOff: (() => void) | undefined
  let isClosed = false
  let neededUntil = Number.NEGATIVE_INFINITY

  const closeNow = async (): Promise<void> => {
    const leaving = sink
    sink = undefined
    await leaving?.close()
  }

  return {
    // It is opened by what is sent, not by what may be.
    prepare(batch) {
      sink?.prepare?.(batch)
    },
    async send(batch) {
      callOff?.()
      callOff = undefined
      onTheirWay++
      sink ??= open()
      const result = await sink.send(batch)
      onTheirWay--
      // What is below may have to know it when it does.
      if (comesAgain(result)) neededUntil = timing.now() + COMES_AGAIN_MS
      const restMs = Math.max(idleMs, neededUntil - timing.now())
      if (onTheirWay === 0 && !isClosed) callOff = timing.after(restMs, () => void closeNow())
      return result
    },
    async close() {
      isClosed = true
      callOff?.()
      await closeNow()
    },
  }
}

function comesAgain(result: BatchResult): boolean {
  if (result.outcome === 'partial') return result.retryable.length > 0
  return result.outcome === 'retryable' || (result.outcome === 'rejected' && result.divisible === true)
}
