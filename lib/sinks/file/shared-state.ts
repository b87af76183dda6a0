import { workerThreads } from '../../internal/builtin'

/*
 * What all threads that open one file know together, in shared memory: the flush thread, one that is started in its place, and the thread that logs
 * when it takes over. A signal reaches the main thread only.
 */
const EMPTIED = 0
const REOPENINGS = 1
const WORDS = 2

/* One for each path, so that a file that is described again is not emptied again. */
const states = new Map<string, SharedArrayBuffer>()

/** State of the file at `path` in this process. In worker threads it counts as emptied: the main thread may have written to it. */
export function sharedStateOf(path: string): SharedArrayBuffer {
  const known = states.get(path)
  if (known !== undefined) return known
  const state = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)
  if (!workerThreads().isMainThread) takeEmptying(state)
  states.set(path, state)
  return state
}

/** True once: for whoever is to empty the file. */
export function takeEmptying(state: SharedArrayBuffer): boolean {
  return Atomics.exchange(new Int32Array(state), EMPTIED, 1) === 0
}

/** Has the file emptied by the next one who opens it, because the one whose turn it was could not. */
export function returnEmptying(state: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(state), EMPTIED, 0)
}

/** Has each thread open the file anew at its next write. */
export function askToReopen(state: SharedArrayBuffer): void {
  Atomics.add(new Int32Array(state), REOPENINGS, 1)
}

/** How often it was asked for that. */
export function reopenings(state: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(state), REOPENINGS)
}
