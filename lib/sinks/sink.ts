import type { ConsoleSinkSpec } from './console'
import type { FileSinkSpec } from './file'

/**
 * A sink as plain data: what `fileSink({...})` returns. It is checked and frozen on the user's stack, crosses to the flush thread
 * by structured clone, and is opened there by `openSink`.
 */
export type SinkSpec = ConsoleSinkSpec | FileSinkSpec

/**
 * `spec` for the flush thread, which gets finished lines. A layout may be a function of the application, and functions do not cross
 * threads.
 */
export function withoutLayout(spec: SinkSpec): SinkSpec {
  return { ...spec, options: { ...spec.options, layout: 'json' } } as SinkSpec
}

/**
 * How a write went, as a value: an exception from a sink is a bug.
 *
 * `delivered`: all of it. `retryable`: the first `written` bytes; the rest may work later. `rejected`: the destination will never
 * take the rest.
 */
export type SendResult =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'retryable' | 'rejected'; readonly written: number; readonly reason: string }

/** Waits up to `ms` milliseconds, blocking this thread; false if it shall give up. */
export type Pause = (ms: number) => boolean

/** An open sink. It runs on one thread at a time: the flush thread, or the main thread when that takes over. */
export interface Sink {
  /** Writes whole lines. Blocks while the destination is busy, asking `pause` each time whether to go on. */
  write(lines: Uint8Array, pause: Pause): SendResult
  /**
   * Has what was written brought from the operating system to the disk; false if that went wrong. Absent where there is no disk: then
   * nothing is as durable as that.
   */
  sync?(): boolean
  /** Releases descriptors. Idempotent. */
  close(): void
}

export const DELIVERED: SendResult = Object.freeze({ outcome: 'delivered' })
