import { hostname } from 'node:os'
import { workerThreads } from '../internal/builtin'

/** This host, process and thread, for people. */
export interface ProcessView {
  readonly host: string
  readonly pid: number
  /** The number of a worker thread; 0 is the main thread. */
  readonly thread: number
}

/** Where this code runs. */
export function viewProcess(): ProcessView {
  return { host: hostname(), pid: process.pid, thread: workerThreads().threadId }
}
