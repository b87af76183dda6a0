/*
 * The thread that writes sleeps in `Atomics.wait` and hears no events, so one word in shared memory tells whether the other one is at work:
 *
 *        writes                                               compresses
 *   post more paths                                      all done: STATE running -> idle
 *   STATE idle -> running? start a thread with them      more paths have come? STATE idle -> running? go on, else end
 *
 * Whoever changes idle to running has the paths, and nobody else.
 */
export const STATE = { idle: 0, running: 1 } as const

/** What a thread that compresses is started with. */
export interface CompressionData {
  readonly first: Paths
  /** One Int32 of `STATE`. */
  readonly state: SharedArrayBuffer
}

/** What it is to compress, after a wait; what comes later waits with it. */
export interface Paths {
  readonly paths: readonly string[]
  readonly waitMs: number
}
