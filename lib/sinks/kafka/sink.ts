import { runOutside } from '../../context'
import { type BatchToPack, KeySplitter, newOutcome, type Outcome as OutcomeOf, resultOf } from '../keyed'
import type { AsyncSink, BatchResult, SinkBatch } from '../sink'
import { divideRecord, type EncodedRecord, encodeBatch } from './encoder'
import { deliveredPartitions, failureOf } from './failure'
import type { KafkaSinkSpec } from './options'
import { Producers } from './producer'

type Options = KafkaSinkSpec['options']

type Outcome = OutcomeOf<EncodedRecord>

/* At most, in a record: its length, times, offset and counts; and of each header both lengths. Source: "Record" in the protocol of Kafka. */
const AROUND_RECORD_BYTES = 32
const AROUND_HEADER_BYTES = 8

/**
 * Opens the sink. One batch is on its way at a time, because the client numbers the records of a partition when it makes a request, by what was
 * acknowledged before: those of two requests at once would have the same numbers, and the broker would drop the second. The client is loaded with the first
 * batch. Nothing of the calling flow's trace is seen by it.
 */
export function openKafkaSink(options: Options): AsyncSink {
  const producers = new Producers(options)
  const splitter = new KeySplitter(options.maxEventsPerKey)
  let last: Promise<unknown> = Promise.resolve()

  const sendBatch = async (batch: BatchToPack): Promise<BatchResult> => {
    const until = performance.now() + options.timeoutMs
    const { records, tooLarge } = encodeBatch(batch, splitter, options)
    const outcome: Outcome = newOutcome()
    for (const wave of wavesOf(records, options.maxRecordBytes)) {
      if (outcome.retryable.length > 0) outcome.retryable.push(...wave)
      else await sendWave(wave, batch, outcome, until)
    }
    for (const { rows } of outcome.delivered) {
      const traceId = batch.rows[rows[0] as number]?.traceId
      if (traceId !== undefined) splitter.count(traceId, rows.length)
    }
    return resultOf(outcome, { events: batch.rows.length, tooLarge, limit: 'maxRecordBytes', name: nameOf(options) })
  }

  const sendWave = async (wave: readonly EncodedRecord[], batch: BatchToPack, outcome: Outcome, until: number) => {
    try {
      await producers.send(messagesOf(wave, options.topic), Math.max(until - performance.now(), 1))
      outcome.delivered.push(...wave)
      return
    } catch (error) {
      const { poison, reason } = failureOf(error, options.topic)
      const left = leftOf(wave, deliveredPartitions(error), producers.partitionsOf(options.topic))
      outcome.delivered.push(...wave.filter((record) => !left.includes(record)))
      outcome.reason = reason
      if (!poison) outcome.retryable.push(...left)
      else if (isOneEvent(left)) outcome.rejected.push(...left)
      else await sendApart(left, batch, outcome, until)
    }
  }

  /* One of these records, or their sum, is what the brokers refuse: each event is tried alone. */
  const sendApart = async (records: readonly EncodedRecord[], batch: BatchToPack, outcome: Outcome, until: number) => {
    for (const record of records.flatMap((one) => divideRecord(batch, one))) {
      if (outcome.retryable.length > 0) outcome.retryable.push(record)
      else await sendWave([record], batch, outcome, until)
    }
  }

  return {
    sending: options,
    send(given: SinkBatch) {
      // Before anything is awaited: the batch may be a view of memory that is written over then.
      const batch = { lines: Buffer.from(given.lines), rows: given.rows(), instance: given.instance, id: given.id }
      const sent = last.then(() => runOutside(() => sendBatch(batch)))
      last = sent.catch(() => {})
      return sent.catch((error: Error) => ({ outcome: 'retryable', reason: `${nameOf(options)}: ${error.message}` }))
    },
    close: () => producers.close(),
  }
}

/*
 * Requests one after the other, because brokers bound what a partition gets at once as they bound a record; keys and headers count. A small line is smaller than
 * these.
 */
function wavesOf(records: readonly EncodedRecord[], maxBytes: number): EncodedRecord[][] {
  const waves: EncodedRecord[][] = []
  let room = 0
  for (const record of records) {
    const bytes = bytesOf(record)
    if (waves.length === 0 || bytes > room) {
      waves.push([])
      room = maxBytes
    }
    waves.at(-1)?.push(record)
    room -= bytes
  }
  return waves
}

function bytesOf({ key, value, headers }: EncodedRecord): number {
  let bytes = AROUND_RECORD_BYTES + key.length + value.length
  for (const [name, said] of headers) bytes += AROUND_HEADER_BYTES + name.length + said.length
  return bytes
}

function messagesOf(records: readonly EncodedRecord[], topic: string) {
  return records.map(({ key, value, headers, hash }) => ({ topic, key, value, headers, partition: hash }))
}

function leftOf(wave: readonly EncodedRecord[], delivered: ReadonlySet<number>, partitions: number | undefined) {
  if (partitions === undefined) return wave
  return wave.filter(({ hash }) => !delivered.has(hash % partitions))
}

function isOneEvent(records: readonly EncodedRecord[]): boolean {
  return records.length === 1 && records[0]?.rows.length === 1
}

function nameOf({ brokers, topic }: Options): string {
  return `kafka ${brokers.join()} (topic ${topic})`
}
