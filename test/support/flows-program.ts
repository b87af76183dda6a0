/** A line of `flowsProgram`. */
export interface FlowLine {
  readonly traceId?: string
  /** The trace that it must have; of none outside any. */
  readonly mine?: string
}

/**
 * A program that logs in a hundred flows at once, ten lines each, and one line outside; each says itself which trace it must have. `sink` is the source of its sink,
 * of what `tracelane` exports and of the arguments `address` and `topic`; the third argument is `thread`.
 */
export function flowsProgram(sink: string): string {
  return `
    const { configure, currentTraceId, flush, getLogger, runWithTrace, ...tracelane } = require('tracelane')
    const [address, topic, thread] = process.argv.slice(1)
    configure({ thread: thread === 'true', sinks: [tracelane.${sink}] })
    const log = getLogger('a')
    const request = () => runWithTrace(async () => {
      for (let i = 0; i < 10; i++) {
        log.info({ mine: currentTraceId() }, 'line')
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    Promise.all(Array.from({ length: 100 }, request)).then(async () => {
      log.info('outside')
      await flush({ deadlineMs: 60_000 })
    })
  `
}
