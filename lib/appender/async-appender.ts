import { complain, counters, ledgerTold } from '../diagnostics'
import { type LogEvent, subscribeEvents } from '../event'
import { tty } from '../internal/builtin'
import { createLayout, type Origin } from '../layout'
import { lineFormOf, type SinkSpec, withoutLayout } from '../sinks'
import { CapturedBatch } from './captured-batch'
import type { EventBatch } from './event-batch'
import { endingSince, guardExit } from './exit-guard'
import type { SinkLedger } from './ledger'
import { LineBatch } from './line-batch'
import { type FlushResult, tellListener } from './listeners'
import { type AsyncAppenderOptions, type ResolvedAppenderOptions, resolveAppenderOptions } from './options'
import { reopenOnSignals } from './reopening'
import { SinkQueue } from './sink-queue'

/**
 * Takes events on the thread that logs and has them written by flush threads, one for each sink, so that a slow sink holds up
 * nobody else.
 *
 * What each event says is finished inside `append`, in the flow that logs; the flush thread never asks whose it is.
 * Memory is bounded by `queueBytes` for each sink. Whoever made it closes it; until then it drains itself when the process ends.
 */
export class AsyncAppender {
  readonly maxFlushTimeMs: number
  readonly drainOnSignals: boolean
  readonly #queues: readonly SinkQueue[]
  readonly #listeners: Pick<ResolvedAppenderOptions, 'onFlush' | 'onTaskEnd'>
  readonly #unguard: () => void
  readonly #stopReopening: () => void
  readonly #unsubscribe: () => void
  #closed: Promise<FlushResult> | undefined

  constructor(sinks: readonly SinkSpec[], origin: Origin, options?: AsyncAppenderOptions) {
    const resolved = resolveAppenderOptions(options)
    this.maxFlushTimeMs = resolved.maxFlushTimeMs
    this.drainOnSignals = resolved.drainOnSignals
    this.#listeners = resolved
    this.#queues = sinks.map((spec) => new SinkQueue(withoutLayout(spec), batchFor(spec, origin, resolved), resolved))
    this.#unguard = guardExit(this)
    this.#stopReopening = reopenOnSignals(sinks)
    this.#unsubscribe = subscribeEvents({
      onTraceEnded: () => {
        for (const queue of this.#queues) queue.handOver('trace')
      },
      onTaskEnded: (end) => {
        for (const queue of this.#queues) queue.handOver('task')
        tellListener(this.#listeners.onTaskEnd, end)
      },
    })
  }

  /** Takes an event for every sink. Never throws; waits only as the overflow policy and the durability say. */
  append(event: LogEvent, seq: number): void {
    if (this.#closed !== undefined) {
      counters.eventsAfterClose++
      complain('closed', 'an event came after its appender was closed')
      return
    }
    counters.eventsEntered++
    for (const queue of this.#queues) queue.append(event, seq)
    const ending = endingSince()
    if (ending !== undefined) this.#writeLate(ending)
  }

  /** Resolves with counts when every event appended before is written, or at the deadline (default `maxFlushTimeMs`). */
  async flush(deadlineMs: number = this.maxFlushTimeMs): Promise<FlushResult> {
    await Promise.all(this.#queues.map((queue) => queue.flush(deadlineMs)))
    if (ledgerTold.hasSubscribers) ledgerTold.publish(this.ledger())
    const result = this.#counts()
    tellListener(this.#listeners.onFlush, result)
    return result
  }

  /** Blocks this thread until everything is written, at most `deadlineMs`; returns how many events are left. */
  drain(deadlineMs: number): number {
    const start = Date.now()
    // All of them first, so that while this thread waits for one sink the threads of the others write.
    for (const queue of this.#queues) queue.handOverAtEnd()
    for (const queue of this.#queues) queue.drain(Math.max(deadlineMs - (Date.now() - start), 0))
    return this.#counts().pending
  }

  /** Puts what is still not written into the spool, if there is one; returns how many events are left. For the very end of the process. */
  keepRest(): number {
    for (const queue of this.#queues) queue.keepRest()
    return this.#counts().pending
  }

  /** Flushes, ends the flush threads and resolves with counts. Idempotent; events that come later are counted and dropped. */
  close(): Promise<FlushResult> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** The accounts of the sinks, in order, as they are now. */
  ledger(): SinkLedger[] {
    return this.#queues.map((queue) => queue.ledger())
  }

  async #close(): Promise<FlushResult> {
    const start = Date.now()
    const result = await this.flush()
    const restMs = Math.max(this.maxFlushTimeMs - (Date.now() - start), 0)
    counters.eventsUnwritten += result.pending
    if (result.pending > 0) complain('close', `${result.pending} events were not written before their appender was closed`)
    await Promise.all(this.#queues.map((queue) => queue.close(restMs)))
    this.#unguard()
    this.#stopReopening()
    this.#unsubscribe()
    return result
  }

  /* An 'exit' listener that runs after ours logs: nobody comes by again to write it. */
  #writeLate(ending: number): void {
    if (this.drain(Math.max(this.maxFlushTimeMs - (Date.now() - ending), 0)) === 0 || this.keepRest() === 0) return
    counters.eventsUnwritten++
    complain('late', 'an event that was logged while the process ended was not written')
  }

  #counts(): FlushResult {
    const total = { delivered: 0, discarded: 0, failed: 0, pending: 0 }
    for (const queue of this.#queues) {
      const { delivered, discarded, failed, pending } = queue.counts()
      total.delivered += delivered
      total.discarded += discarded
      total.failed += failed
      total.pending += pending
    }
    return total
  }
}

/* What the flush thread gets of events. To capture values costs a small queue, in room for names, more than it saves. */
const CAPTURING_QUEUE_BYTES = 2 ** 20

function batchFor(spec: SinkSpec, origin: Origin, { thread, queueBytes }: ResolvedAppenderOptions): EventBatch {
  const { layout: wanted, ordering, streams } = lineFormOf(spec)
  const terminal = streams.length > 0 && streams.every((fd) => tty().isatty(fd))
  const layout = wanted === 'auto' ? (terminal ? 'pretty' : 'json') : wanted
  if (layout === 'json' && thread && queueBytes >= CAPTURING_QUEUE_BYTES) return new CapturedBatch(origin, ordering)
  return new LineBatch(createLayout(layout, origin, { ordering, terminal }))
}
