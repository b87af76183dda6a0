import { availableParallelism } from 'node:os'
import { TracelaneError } from '../errors'
import { LEVELS, type Level } from '../event'
import { checkOptions, type Rule, rules } from '../internal/options'
import { isAsyncSink, isFileSink, type SinkSpec } from '../sinks'
import type { AppenderListeners } from './listeners'
import { checkSpool, type SpoolOptions, spoolRule } from './spool-options'

/**
 * What happens to an event for which the queue has no room; below `discardingThreshold` of free room events of level info and
 * below are discarded before that, whatever this says.
 *
 * `discard`: warn and above waits up to `appendTimeoutMs`, then it is discarded; nothing else waits. `block`: every call waits until there is
 * room. `drop-newest`: no call waits; what comes is discarded, whatever its level. `sync`: the call writes the oldest batches itself,
 * if the flush thread is not at it, and waits up to `appendTimeoutMs`. `spill`: no call waits; events go to the `spool` on the disk until the queue has caught up. All that is discarded is counted and announced in the stream.
 */
export type Overflow = (typeof OVERFLOWS)[number]

const OVERFLOWS = ['discard', 'block', 'drop-newest', 'spill', 'sync'] as const

/**
 * How safe an event is when the log call returns. `none`: on its way. `os`: with the operating system, so that it survives `kill -9`. `disk`: on the disk,
 * so that it survives a power cut.
 */
export type Durability = (typeof DURABILITIES)[number]

const DURABILITIES = ['none', 'os', 'disk'] as const

/** Options of an asynchronous appender. */
export interface AsyncAppenderOptions extends AppenderListeners {
  /**
   * How many bytes may wait for one sink, from 4 KiB to 1 GiB: those in its ring, which has the next power of two of this size, and those on the
   * way there.
   * @default 4 MiB
   */
  readonly queueBytes?: number
  /**
   * How many events may wait for one sink, from 1 to 100,000,000; the nearer of the two bounds counts. Logback's 256 is the size of one burst of
   * one synchronous loop, so bytes alone are the better bound for an event loop.
   * @default none
   */
  readonly queueSize?: number
  /**
   * When less than this share of the queue is free, from 0 to 1, events of level info and below are discarded. 0: never.
   * @default 0.2 for `discard` and `drop-newest`, 0 for the others
   */
  readonly discardingThreshold?: number
  /**
   * What happens to an event for which there is no room.
   * @default 'discard'
   */
  readonly overflow?: Overflow
  /** Logback's way to say `overflow: 'drop-newest'`. Give either. */
  readonly neverBlock?: boolean
  /**
   * How long a call may wait for room (`discard`, `sync`), or for its durability, in milliseconds from 0 to 60,000.
   * @default 50
   */
  readonly appendTimeoutMs?: number
  /**
   * How long a line may wait for others before it is handed to the flush thread, in milliseconds from 1 to 60,000. A batch of 64 KiB goes
   * at once.
   * @default 10
   */
  readonly flushIntervalMs?: number
  /**
   * How long the end of the process may be delayed to write what is left, in milliseconds from 0 to 600,000.
   * @default 1000
   */
  readonly maxFlushTimeMs?: number
  /**
   * The size of one line, in bytes from 1 KiB to 256 MiB, from which on it is cut: its message is shortened, its fields and error are left out, and
   * `truncatedBytes` says how large it was.
   * @default 1 MiB
   */
  readonly maxEventBytes?: number
  /**
   * How the flush thread learns of a batch. `notify`: it is woken. `poll`: it looks every `flushIntervalMs`, which saves the thread that logs a system
   * call for each batch, and costs that time.
   * @default 'notify'
   */
  readonly waitStrategy?: 'notify' | 'poll'
  /**
   * How safe events are when the call returns: for all levels, or by level (those not named: `none`). Waits at most `appendTimeoutMs`; a miss is
   * counted. Needs a `fileSink` or a `rollingFileSink`, and holds for those of the appender.
   * @default 'none'
   */
  readonly durability?: Durability | Readonly<Partial<Record<Level, Durability>>>
  /**
   * Where events go that find no room: at once with `overflow: 'spill'`, after their wait with `discard` and `sync`; and what is left when the process ends
   * and `maxFlushTimeMs` is over. They are delivered from there, in order, before what comes after them, by the next process if need be.
   * @default none
   */
  readonly spool?: SpoolOptions
  /**
   * Whether a worker thread writes. `false` writes on the thread that logs, batch by batch. `auto` is `true`, except where only one CPU may be used and
   * where the process is frozen between calls (AWS Lambda).
   * @default 'auto'
   */
  readonly thread?: boolean | 'auto'
  /**
   * Whether SIGTERM, SIGINT and SIGHUP have everything written before they end the process, if nobody else listens to them.
   * @default true
   */
  readonly drainOnSignals?: boolean
}

/** Complete options. */
export interface ResolvedAppenderOptions extends AppenderListeners {
  readonly queueBytes: number
  /** Infinity: no bound. */
  readonly queueSize: number
  readonly discardingThreshold: number
  readonly overflow: Overflow
  readonly appendTimeoutMs: number
  readonly flushIntervalMs: number
  readonly maxFlushTimeMs: number
  readonly maxEventBytes: number
  readonly waitStrategy: 'notify' | 'poll'
  readonly durability: Readonly<Partial<Record<Level, Durability>>>
  readonly spool: SpoolOptions | undefined
  readonly thread: boolean
  /** Why no thread is used though `auto` would like one. */
  readonly withoutThread: string | undefined
  readonly drainOnSignals: boolean
}

const share: Rule = (value) => (typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'a number from 0 to 1')
const isDurability = rules.oneOf(...DURABILITIES)
const durability: Rule = (value) => {
  if (isDurability(value) === undefined) return undefined
  const byLevel = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
  const right = byLevel?.every(([level, one]) => LEVELS.includes(level as Level) && isDurability(one) === undefined)
  return right === true ? undefined : `${isDurability('')}, or an object of these by level`
}
const thread: Rule = (value) => (typeof value === 'boolean' || value === 'auto' ? undefined : "true, false or 'auto'")

/** The rules of `AsyncAppenderOptions`, for whoever takes them among its own options. */
export const appenderRules = {
  queueBytes: rules.integer(4096, 2 ** 30),
  queueSize: rules.integer(1, 100_000_000),
  discardingThreshold: share,
  overflow: rules.oneOf(...OVERFLOWS),
  neverBlock: rules.boolean,
  appendTimeoutMs: rules.integer(0, 60_000),
  flushIntervalMs: rules.integer(1, 60_000),
  maxFlushTimeMs: rules.integer(0, 600_000),
  maxEventBytes: rules.integer(1024, 256 * 2 ** 20),
  waitStrategy: rules.oneOf('notify', 'poll'),
  durability,
  spool: spoolRule,
  thread,
  drainOnSignals: rules.boolean,
  onFull: rules.function,
  onFlush: rules.function,
  onTaskEnd: rules.function,
} as const

/** A complete, frozen copy of the options. Throws ERR_TRACELANE_OPTION_* for wrong ones. */
export function resolveAppenderOptions(options: AsyncAppenderOptions = {}, owner = 'asyncAppender'): ResolvedAppenderOptions {
  checkOptions(owner, options, appenderRules)
  const {
    queueBytes = 4 * 2 ** 20,
    queueSize = Infinity,
    appendTimeoutMs = 50,
    flushIntervalMs = 10,
    maxFlushTimeMs = 1000,
  } = options
  const { maxEventBytes = 2 ** 20, waitStrategy = 'notify', drainOnSignals = true, durability = 'none' } = options
  const overflow = overflowOf(options, owner)
  if (options.spool !== undefined) checkSpool(owner, options.spool)
  const { discardingThreshold = overflow === 'discard' || overflow === 'drop-newest' ? 0.2 : 0 } = options
  const withoutThread = options.thread === undefined || options.thread === 'auto' ? reasonAgainstThread() : undefined
  return Object.freeze({
    ...{ queueBytes, queueSize, discardingThreshold, overflow, appendTimeoutMs, flushIntervalMs, maxFlushTimeMs, maxEventBytes },
    ...{ waitStrategy, drainOnSignals, withoutThread, thread: options.thread !== false && withoutThread === undefined },
    durability: durableLevels(durability),
    spool: options.spool && { ...options.spool },
    ...{ onFull: options.onFull, onFlush: options.onFlush, onTaskEnd: options.onTaskEnd },
  })
}

/* The levels that are to be safe at all. */
function durableLevels(durability: NonNullable<AsyncAppenderOptions['durability']>): Partial<Record<Level, Durability>> {
  const byLevel = typeof durability === 'string' ? Object.fromEntries(LEVELS.map((level) => [level, durability])) : durability
  return Object.fromEntries(Object.entries(byLevel).filter(([, one]) => one !== 'none'))
}

function overflowOf({ overflow, neverBlock }: AsyncAppenderOptions, owner: string): Overflow {
  if (overflow !== undefined && neverBlock !== undefined) {
    throw wrong(`${owner}: 'neverBlock' is another way to say overflow: 'drop-newest'; give either`)
  }
  return overflow ?? (neverBlock === true ? 'drop-newest' : 'discard')
}

function reasonAgainstThread(): string | undefined {
  if (process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) return 'the process is frozen between calls (AWS Lambda)'
  return availableParallelism() === 1 ? 'only one CPU may be used' : undefined
}

/** Throws ERR_TRACELANE_OPTION_INVALID for options that none of `sinks`, or one of them, can keep. */
export function checkForSinks(owner: string, options: AsyncAppenderOptions, sinks: readonly SinkSpec[]): void {
  const { durability = 'none', overflow, spool, thread } = options
  if (overflow === 'spill' && spool === undefined) {
    throw wrong(
      `${owner}: overflow: 'spill' needs 'spool', the folder that events are spilled to: spool: { directory: '/var/spool/my-app' }`,
    )
  }
  const wanted = typeof durability === 'string' ? [durability] : Object.values(durability)
  if (wanted.some((one) => one !== 'none') && !sinks.some(isFileSink)) {
    throw wrong(
      `${owner}: 'durability' needs a fileSink or a rollingFileSink, because no other sink can say when an event is safe`,
    )
  }
  if (!sinks.some(isAsyncSink)) return
  if (overflow === 'sync') {
    throw wrong(
      `${owner}: overflow: 'sync' writes inside the log call, which a sink on the network cannot; take 'block', or 'discard'`,
    )
  }
  if (overflow === 'block' && thread === false) {
    throw wrong(
      `${owner}: overflow: 'block' without a thread would wait for an answer that the blocked thread cannot receive; leave out 'thread: false'`,
    )
  }
}

function wrong(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', detail)
}
