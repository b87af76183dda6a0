import { SCHEMA_VERSION } from '../schema-version'
import type { BatchEvent } from '../sink'
import type { KeySplitter } from './key-splitter'

/** One message for a broker that keeps those of one key in order, and which events of the batch are in it. */
export interface PackedMessage {
  readonly key: string
  readonly value: Buffer
  readonly headers: ReadonlyMap<string, string>
  /** Indexes into the rows of the batch. */
  readonly rows: readonly number[]
  /** Whose lines these are, if they say so themselves. */
  readonly owner: string | undefined
}

/** A batch as messages, in the order in which they are sent. */
export interface PackedBatch {
  readonly messages: readonly PackedMessage[]
  /** Indexes of rows that are larger than a message may be. */
  readonly tooLarge: readonly number[]
}

/** What is packed. */
export interface BatchToPack {
  readonly lines: Buffer
  readonly rows: readonly BatchEvent[]
  /** Who sends them. */
  readonly instance: string
  /** The name of the batch. */
  readonly id: string
}

/** How it is packed. */
export interface PackingOptions {
  readonly packing: 'trace' | 'line'
  /** The largest value. */
  readonly maxBytes: number
  /** The largest sum of the headers that say where lines end and which they are. @default unbounded */
  readonly maxListBytes?: number
}

const NEW_LINE = 0x0a
/* How the built-in layouts write these ids. */
const SPAN_ID_FIELDS = ['"spanId":"', '"span_id":"', '"span.id":"']
const INSTANCE_FIELDS = ['"instance":"', '"tracelane.instance":"', '"service.instance.id","value":{"stringValue":"']
const HEX_16 = /^(?!0{16})[0-9a-f]{16}$/

/**
 * Makes messages of a batch. Lines of one trace, in order, become one message (`packing: 'trace'`) or one each (`line`); those outside any trace are
 * together under the `instance`. No message is larger than `maxBytes`, its key and headers not counted.
 */
export function packBatch(batch: BatchToPack, splitter: KeySplitter, options: PackingOptions): PackedBatch {
  const tooLarge: number[] = []
  const groups = new Map<string, Group>()
  const ahead = new Map<string, number>()
  batch.rows.forEach(({ start, end, traceId }, index) => {
    if (end - start > options.maxBytes) {
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
  const messages = [...groups.values()].flatMap((group) =>
    packed(batch.rows, group, options).map((pack) => messageOf(batch, group.key, group.owner, pack)),
  )
  return { messages, tooLarge }
}

interface Group {
  readonly key: string
  readonly owner: string | undefined
  readonly rows: number[]
}

/** A message for each event of `whole`, which was refused. */
export function divide(batch: BatchToPack, whole: Pick<PackedMessage, 'key' | 'owner' | 'rows'>): readonly PackedMessage[] {
  return whole.rows.map((row) => messageOf(batch, whole.key, whole.owner, [row]))
}

function countUp(counts: Map<string, number>, name: string): number {
  const before = counts.get(name) ?? 0
  counts.set(name, before + 1)
  return before
}

function packed(rows: readonly BatchEvent[], group: Group, options: PackingOptions): number[][] {
  if (options.packing === 'line') return group.rows.map((index) => [index])
  const packs: number[][] = []
  let [room, listRoom, before] = [0, 0, 0]
  for (const index of group.rows) {
    const { start, end, seq } = rows[index] as BatchEvent
    const number = group.owner === undefined ? index : seq
    const listed = `${number - before},${end - start},`.length
    if (packs.length === 0 || end - start > room || listed > listRoom) {
      packs.push([])
      room = options.maxBytes
      listRoom = options.maxListBytes ?? Number.POSITIVE_INFINITY
    }
    packs.at(-1)?.push(index)
    room -= end - start
    listRoom -= listed
    before = number
  }
  return packs
}

function messageOf(
  { lines, rows, id }: BatchToPack,
  key: string,
  owner: string | undefined,
  indexes: readonly number[],
): PackedMessage {
  const events = indexes.map((index) => rows[index] as BatchEvent)
  const parts = events.map(({ start, end }) => lines.subarray(start, end))
  const [first] = events as [BatchEvent]
  const headers = new Map([
    ['tracelane-v', String(SCHEMA_VERSION)],
    // A spool brings lines of other processes. Those that do not say whose they are have a name within their batch only.
    ['tracelane-instance', owner ?? id],
    ['tracelane-seq', differences(owner === undefined ? indexes : events.map(({ seq }) => seq))],
  ])
  // A reader cannot tell then where one ends.
  if (parts.some((part) => part.indexOf(NEW_LINE) < part.length - 1)) {
    headers.set('tracelane-length', parts.map(({ length }) => length).join())
  }
  if (first.traceId !== undefined) {
    headers.set('tracelane-trace', first.traceId)
    const spanId = idIn(parts[0] as Buffer, SPAN_ID_FIELDS)
    // Nobody knows here whether the trace is recorded elsewhere, so the flags promise nothing.
    if (spanId !== undefined) headers.set('traceparent', `00-${first.traceId}-${spanId}-00`)
  }
  return { key, value: Buffer.concat(parts), headers, rows: indexes, owner }
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
