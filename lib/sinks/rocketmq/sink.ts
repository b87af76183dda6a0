import { hostname } from 'node:os'
import { runOutside } from '../../context'
import { crypto } from '../../internal/builtin'
import {
  type BatchToPack,
  divide,
  KeySplitter,
  newOutcome,
  type Outcome,
  type PackedMessage,
  packBatch,
  resultOf,
} from '../keyed'
import type { AsyncSink, BatchResult, SinkBatch } from '../sink'
import { ProxyClient } from './client'
import { encodeRequest } from './encoder'
import { failureOf } from './failure'
import { GroupLanes } from './group-lanes'
import type { RocketmqSinkSpec } from './options'

type Options = RocketmqSinkSpec['options']

/* A proxy refuses properties of more than 16 KiB together. */
const MAX_LIST_BYTES = 12_000

/** A batch on its way. */
interface Run {
  readonly batch: BatchToPack
  readonly outcome: Outcome<PackedMessage>
  /** One could not be delivered now, so no more are begun. */
  isStopped: boolean
}

/**
 * Opens the sink. Of one trace one message is on its way at a time: the broker keeps those of a group in the order in which they arrive, and two at once
 * may arrive either way. Many traces are on their way together. The client is loaded with the first batch. Nothing of the calling flow's trace is
 * seen by it.
 */
export function openRocketmqSink(options: Options): AsyncSink {
  const { topic, tag, packing, maxMessageBytes, timeoutMs } = options
  const client = new ProxyClient(options)
  const splitter = new KeySplitter(options.maxEventsPerKey)
  const lanes = new GroupLanes(options.maxMessagesInFlight)
  const host = hostname()
  const nextId = messageIds()

  const sendBatch = async (batch: BatchToPack): Promise<BatchResult> => {
    const { messages, tooLarge } = packBatch(batch, splitter, {
      packing,
      maxBytes: maxMessageBytes,
      maxListBytes: MAX_LIST_BYTES,
    })
    const run: Run = { batch, outcome: newOutcome(), isStopped: false }
    await Promise.all([...byTrace(messages, batch)].map(([lane, list]) => lanes.run(lane, () => sendInOrder(list, run))))
    for (const { rows } of run.outcome.delivered) {
      const traceId = batch.rows[rows[0] as number]?.traceId
      if (traceId !== undefined) splitter.count(traceId, rows.length)
    }
    const words = { events: batch.rows.length, tooLarge, limit: 'maxMessageBytes', name: nameOf(options) }
    return resultOf(run.outcome, words)
  }

  const sendInOrder = async (messages: readonly PackedMessage[], run: Run): Promise<void> => {
    let isHeld = false
    for (const message of messages) {
      if (isHeld || run.isStopped) run.outcome.retryable.push(message)
      else isHeld = !(await sendOne(message, run))
    }
  }

  /* False if later ones of its trace must not go before it. */
  const sendOne = async (message: PackedMessage, run: Run): Promise<boolean> => {
    try {
      await client.send(encodeRequest(message, { topic, tag, messageId: nextId(), now: Date.now(), host }))
      run.outcome.delivered.push(message)
      return true
    } catch (error) {
      const { reason, poison } = failureOf(error, topic, timeoutMs)
      run.outcome.reason = reason
      if (!poison) {
        run.isStopped = true
        run.outcome.retryable.push(message)
        return false
      }
      if (message.rows.length === 1) {
        run.outcome.rejected.push(message)
        return true
      }
    }
    // One of its events, or their sum, is what is refused: each one is tried alone.
    await sendInOrder(divide(run.batch, message), run)
    return !run.isStopped
  }

  return {
    sending: options,
    send(given: SinkBatch) {
      // Before anything is awaited: the batch may be a view of memory that is written over then.
      const batch = { lines: Buffer.from(given.lines), rows: given.rows(), instance: given.instance, id: given.id }
      return runOutside(() => sendBatch(batch)).catch((error: Error) => ({
        outcome: 'retryable',
        reason: `${nameOf(options)}: ${error.message}`,
      }))
    },
    close: async () => client.close(),
  }
}

/* By trace, not by group: what follows in another group, after `maxEventsPerKey`, waits as well. */
function byTrace(messages: readonly PackedMessage[], { rows }: BatchToPack): Map<string, PackedMessage[]> {
  const lanes = new Map<string, PackedMessage[]>()
  for (const message of messages) {
    const lane = rows[message.rows[0] as number]?.traceId ?? message.key
    const list = lanes.get(lane)
    if (list === undefined) lanes.set(lane, [message])
    else list.push(message)
  }
  return lanes
}

/*
 * Version 1, six bytes of a network address, two of the process id, four of the time in seconds since 2021, four of a count. Random bytes stand for the
 * address and the process id. Source: docs/message_id.md of apache/rocketmq-clients.
 */
function messageIds(): () => string {
  const process = crypto().randomBytes(8).toString('hex')
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
  const since = Date.UTC(2021, 0)
  let count = 0
  return () => `01${process}${hex(Math.floor((Date.now() - since) / 1_000))}${hex(count++)}`.toUpperCase()
}

function nameOf({ endpoints, topic }: Options): string {
  return `rocketmq ${endpoints.join()} (topic ${topic})`
}
