import type { ConsoleSinkSpec } from './console'
import type { DecoratorSpec } from './decorators'
import type { ElasticsearchSinkSpec } from './elasticsearch'
import type { FileSinkSpec } from './file'
import type { HttpSinkSpec } from './http'
import type { KafkaSinkSpec } from './kafka'
import type { OtlpSinkSpec } from './otlp'
import type { RocketmqSinkSpec } from './rocketmq'
import type { RollingFileSinkSpec } from './rolling-file'
import type { SendingOptions } from './sending-options'

/**
 * A sink as plain data: what `fileSink({...})` returns. It is checked and frozen on the user's stack, crosses to the flush thread
 * by structured clone, and is opened there by `openSink`, or `openAsyncSink` if `isAsyncSink`.
 */
export type SinkSpec = LeafSinkSpec | DecoratorSpec

/** The sinks that have a destination of their own. */
export type LeafSinkSpec = BlockingSinkSpec | NetworkSinkSpec

/** The sinks that block their thread while they write. */
export type BlockingSinkSpec = ConsoleSinkSpec | FileSinkSpec | RollingFileSinkSpec

/** The sinks on the network. */
export type NetworkSinkSpec = ElasticsearchSinkSpec | HttpSinkSpec | KafkaSinkSpec | OtlpSinkSpec | RocketmqSinkSpec

/** The sinks that answer later, and need an event loop for it. */
export type AsyncSinkSpec = NetworkSinkSpec | DecoratorSpec

/**
 * How a write went, as a value: an exception from a sink is a bug.
 *
 * `delivered`: all of it. `retryable`: the first `written` bytes; the rest may work later. `rejected`: the destination will never
 * take the rest. `retryAfterMs`: how long the destination asks to be left alone.
 */
export type SendResult =
  | { readonly outcome: 'delivered' }
  | {
      readonly outcome: 'retryable' | 'rejected'
      readonly written: number
      readonly reason: string
      readonly retryAfterMs?: number
    }

/** Waits up to `ms` milliseconds, blocking this thread; false if it shall give up. */
export type Pause = (ms: number) => boolean

/** The events of a batch, in order; made when they are asked for. */
export type Rows = () => readonly BatchEvent[]

/** An open sink. It runs on one thread at a time: the flush thread, or the main thread when that takes over. */
export interface Sink {
  /**
   * Whether several batches may be handed to `write` as one, without `rows`: for a destination where each write may cost more than its bytes.
   * @default false
   */
  readonly joinsBatches?: boolean
  /**
   * Writes whole lines. Blocks while the destination is busy, asking `pause` each time whether to go on. `rows`, for whoever writes levels to
   * different places, has the events of a batch of which `lines` is the end that is still to be written.
   */
  write(lines: Uint8Array, pause: Pause, rows?: Rows): SendResult
  /**
   * Has what was written brought from the operating system to the disk; false if that went wrong. Absent where there is no disk: then
   * nothing is as durable as that.
   */
  sync?(): boolean
  /** Releases descriptors. Idempotent. */
  close(): void
}

/** One event of a batch. */
export interface BatchEvent {
  /** Its line in `lines`: from `start` up to, not including, `end`; the line break is included. */
  readonly start: number
  readonly end: number
  /** As in `SEVERITY` of lib/event: 1 to 24. */
  readonly severity: number
  /** Its number among the events of its process. */
  readonly seq: number
  readonly traceId: string | undefined
}

/** What an `AsyncSink` sends at once. */
export interface SinkBatch {
  /**
   * Whole lines, the last one ended too. A view of memory that may be written over after `send` has returned: it is copied before the first
   * `await`.
   */
  readonly lines: Uint8Array
  /** How many events the lines are. */
  readonly events: number
  /** Names the batch for ever, the same at each try. A batch of other events, be it a part of this one, has another name. */
  readonly id: string
  /** Names the start of the isolate that sends. */
  readonly instance: string
  /**
   * The events one by one, in order; made when they are asked for, which is before the first `await`. As many as `events`, except for lines
   * of a spool that cannot be told apart any more: those are one row.
   */
  rows(): readonly BatchEvent[]
}

/**
 * What became of a batch. `retryable`: all of it may work later. `rejected`: the destination will never take it as it is. `partial`: those events that are
 * not named are delivered. `retryAfterMs`: how long the destination asks to be left alone.
 */
export type BatchResult =
  | { readonly outcome: 'delivered' }
  | {
      readonly outcome: 'retryable' | 'rejected'
      readonly reason: string
      readonly retryAfterMs?: number
      /** Of a rejected batch: one event in it may be the cause, or its size, so parts of it are worth a try. */
      readonly divisible?: boolean
    }
  | {
      readonly outcome: 'partial'
      /** Indexes into `rows()` of those that will never be taken. */
      readonly rejected: readonly number[]
      /** Indexes into `rows()` of those that may be taken later. */
      readonly retryable: readonly number[]
      /** Indexes into `rows()` of those that a decorator left out on purpose. */
      readonly filtered?: readonly number[]
      /** Indexes into `rows()` of those that a decorator has put on the disk, and sends from there; it says itself what they come to. */
      readonly spooled?: readonly number[]
      readonly reason: string
      readonly retryAfterMs?: number
    }

/** An open sink whose destination answers later. It runs on one thread that has an event loop. */
export interface AsyncSink {
  /** How its batches are made; without it, as the defaults say. */
  readonly sending?: SendingOptions
  /**
   * Makes ready what a `send` of this very batch will take, while another is on its way: encodes and compresses it. It may be called, or not; nothing of the batch
   * is read once it has returned. Absent where there is nothing to gain.
   */
  prepare?(batch: SinkBatch): void
  /** Sends a batch once. Several may be on their way at once. Never throws or rejects: an exception is a bug. */
  send(batch: SinkBatch): Promise<BatchResult>
  /** Gives up what is on its way, as `retryable`, and releases connections. Idempotent. */
  close(): Promise<void>
}

export const DELIVERED: SendResult & BatchResult = Object.freeze({ outcome: 'delivered' })
