import type { BatchEvent } from '../sink'
import type { KeySplitter } from './key-splitter'
import { partitionHash } from './partitioner'

/** The version of what stands in records and their headers. */
export const RECORD_VERSION = 1

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

/** What is encoded. */
export interface BatchToEncode {
  readonly lines: Buffer
  readonly rows: readonly BatchEvent[]
  /** Who sends them. */
  readonly instance: string
  /** The name of the batch. */
  readonly id: string
}

/** How it is encoded. */
export interface EncoderOptions {
  readonly packing: 'trace' | 'line'
  readonly maxRecordBytes: number
}

const HEADER = {
  version: Buffer.from('tracelane-v'),
  instance: Buffer.from('tracelane-instance'),
  seq: Buffer.from('tracelane-seq'),
  length: Buffer.from('tracelane-length'),
  trace: Buffer.from('tracelane-trace'),
  traceparent: Buffer.from('traceparent'),
} as const
const NEW_LINE = 0x0a
const VERSION = Buffer.from(String(RECORD_VERSION))
/* How the built-in layouts write these ids. */
const SPAN_ID_FIELDS = ['"spanId":"', '"span_id":"', '"span.id":"']
const INSTANCE_FIELDS = ['"instance":"', '"tracelane.instance":"', '"service.instance.id","value":{"stringValue":"']
const HEX_16 = /^(?!0{16})[0-9a-f]{16}$/

/**
 * Makes records of a batch. Lines of one trace, in order, become one record (`packing: 'trace'`) or one each (`line`); those outside any trace are
 * together under the `instance`. No record is larger than `maxRecordBytes`, its key and headers not counted.
 */
export function encodeBatch(batch: BatchToEncode, splitter: KeySplitter, options: EncoderOptions): EncodedBatch {
  const tooLarge: number[] = []
  const groups = new Map<string, Group>()
  const ahead = new Map<string, number>()
  batch.rows.forEach(({ start, end, traceId }, index) => {
    if (end - start > options.maxRecordBytes) {
      tooLarge.push(index)
      return
    }
    const owner = idIn(batch.lines.subarray(start, end), INSTANCE_FIELDS)
    const key = traceId === undefined ? (owner ?? batch.instance) : splitter.keyOf(traceId, countUp(ahead, traceId))
    const name = `${key} ${owner}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { key, owner, rows: [index] })
    else group.rows.push(index)
  })
  const records = [...groups.values()].flatMap(({ key, owner, rows }) =>
    packed(batch.rows, rows, options).map((pack) => encode(batch, key, owner, pack)),
  )
  return { records, tooLarge }
}

interface Group {
  readonly key: string
  readonly owner: string | undefined
  readonly rows: number[]
}

/** A record for each event of `record`, which was refused as a whole. */
export function divide(batch: BatchToEncode, record: EncodedRecord): readonly EncodedRecord[] {
  return record.rows.map((row) => encode(batch, record.key.toString(), record.owner, [row]))
}

function countUp(counts: Map<string, number>, name: string): number {
  const before = counts.get(name) ?? 0
  counts.set(name, before + 1)
  return before
}

function packed(rows: readonly BatchEvent[], indexes: readonly number[], options: EncoderOptions): number[][] {
  if (options.packing === 'line') return indexes.map((index) => [index])
  const packs: number[][] = []
  let room = 0
  for (const index of indexes) {
    const { start, end } = rows[index] as BatchEvent
    if (packs.length === 0 || end - start > room) {
      packs.push([])
      room = options.maxRecordBytes
    }
    packs.at(-1)?.push(index)
    room -= end - start
  }
  return packs
}

function encode(
  { lines, rows, id }: BatchToEncode,
  keyText: string,
  owner: string | undefined,
  indexes: readonly number[],
): EncodedRecord {
  const events = indexes.map((index) => rows[index] as BatchEvent)
  const parts = events.map(({ start, end }) => lines.subarray(start, end))
  const [first] = events as [BatchEvent]
  const headers = new Map([
    [HEADER.version, VERSION],
    // A spool brings lines of other processes. Those that do not say whose they are have a name within their batch only.
    [HEADER.instance, Buffer.from(owner ?? id)],
    [HEADER.seq, Buffer.from(differences(owner === undefined ? indexes : events.map(({ seq }) => seq)))],
  ])
  // A reader cannot tell then where one ends.
  if (parts.some((part) => part.indexOf(NEW_LINE) < part.length - 1)) {
    headers.set(HEADER.length, Buffer.from(parts.map(({ length }) => length).join()))
  }
  if (first.traceId !== undefined) {
    headers.set(HEADER.trace, Buffer.from(first.traceId))
    const spanId = idIn(parts[0] as Buffer, SPAN_ID_FIELDS)
    // Nobody knows here whether the trace is recorded elsewhere, so the flags promise nothing.
    if (spanId !== undefined) headers.set(HEADER.traceparent, Buffer.from(`00-${first.traceId}-${spanId}-00`))
  }
  const key = Buffer.from(keyText)
  return { key, value: Buffer.concat(parts), headers, hash: partitionHash(key), rows: indexes, owner }
}

/* The first number, then how much each one is larger than the one before: `1024,1,1,3`. */
function differences(numbers: readonly number[]): string {
  return numbers.map((number, i) => (i === 0 ? number : number - (numbers[i - 1] as number))).join()
}

function idIn(line: Buffer, fields: readonly string[]): string | undefined {
  for (const field of fields) {
    const at = line.indexOf(field)
    if (at === -1) continue
    const id = line.toString('latin1', at + field.length, at + field.length + 16)
    if (HEX_16.test(id)) return id
  }
  return undefined
}
