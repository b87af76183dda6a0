import { type BatchToPack, divide, type KeySplitter, type PackedMessage, packBatch } from '../keyed'
import { partitionHash } from './partitioner'

/** One record, and which events of the batch are in it. */
export interface EncodedRecord {
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: ReadonlyMap<Buffer, Buffer>
  /** To be taken modulo the count of partitions. */
  readonly hash: number
  /** Indexes into the rows of the batch. */
  readonly rows: readonly number[]
  /** Whose lines these are, if they say so themselves. */
  readonly owner: string | undefined
}

/** A batch as records, in the order in which they are sent. */
export interface EncodedBatch {
  readonly records: readonly EncodedRecord[]
  /** Indexes of rows that are larger than a record may be. */
  readonly tooLarge: readonly number[]
}

/** How it is encoded. */
export interface EncoderOptions {
  readonly packing: 'trace' | 'line'
  readonly maxRecordBytes: number
}

/* With the other headers and the key less than the 10 KiB that docs/reference/sinks/kafka.md leaves for them. */
const MAX_LIST_BYTES = 8_000

/** Makes records of a batch, each no larger than `maxRecordBytes`, its key and headers not counted; these are 10 KiB at most. See `packBatch`. */
export function encodeBatch(batch: BatchToPack, splitter: KeySplitter, options: EncoderOptions): EncodedBatch {
  const { packing, maxRecordBytes } = options
  const { messages, tooLarge } = packBatch(batch, splitter, { packing, maxBytes: maxRecordBytes, maxListBytes: MAX_LIST_BYTES })
  return { records: messages.map(recordOf), tooLarge }
}

/** A record for each event of `record`, which was refused as a whole. */
export function divideRecord(batch: BatchToPack, record: EncodedRecord): readonly EncodedRecord[] {
  return divide(batch, { ...record, key: record.key.toString() }).map(recordOf)
}

function recordOf({ key: text, value, headers, rows, owner }: PackedMessage): EncodedRecord {
  const key = Buffer.from(text)
  const bytes = new Map([...headers].map(([name, said]) => [Buffer.from(name), Buffer.from(said)]))
  return { key, value, headers: bytes, hash: partitionHash(key), rows, owner }
}
