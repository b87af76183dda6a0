import { crc32c } from './checksum'

/*
 * One record of a segment, little-endian:
 *
 *    0        4          8         10     11      12        16         20       24          32         40         length
 *    ┌────────┬──────────┬─────────┬──────┬───────┬─────────┬──────────┬────────┬───────────┬──────────┬─────────┬─ ─ ─ ─ ─┐
 *    │ marker │  CRC of  │ length  │ kind │ flags │ length  │  CRC of  │ events │ first seq │ last seq │  more   │ payload │
 *    │  TLs1  │ header   │ header  │      │       │ payload │ payload  │        │           │          │ fields  │         │
 *    └────────┴──────────┴─────────┴──────┴───────┴─────────┴──────────┴────────┴───────────┴──────────┴─────────┴─ ─ ─ ─ ─┘
 *
 * The header's CRC covers bytes 8 to the header's length, and begins with the name of the segment and the offset in it: bytes of another file or
 * another place, left by a file system or put into a payload, are no record.
 */

/** Bytes of a header as this version writes it. */
export const HEADER_BYTES = 40
const MAX_HEADER_BYTES = 1024
const MARKER = 0x3173_4c54
/** Bytes of what a header begins with. */
export const MARKER_LENGTH = 4
const MARKER_BYTES = Buffer.from('TLs1', 'latin1')
const TWO_TO_32 = 0x1_0000_0000

/* A field behind byte 40: its number, its length, its bytes. */
const FIELD_BYTES = 2
const NAME_FIELD = 1
const NAME = /^[\x20-\x7e]{1,255}$/

/** The longest payload, in bytes. */
export const MAX_PAYLOAD_BYTES = 0x3fff_ffff

/** `filler` stands where repair found damage, and is skipped. */
export const KIND = { data: 0, filler: 1 } as const

/** What the writer of a record says about it. */
export interface RecordMeta {
  /** How many events the payload has, 0 to 2³²−1. @default 0 */
  readonly events?: number
  /** The sequence number of the first event, up to 2⁵³−1. @default 0 */
  readonly firstSeq?: number
  /** That of the last. @default 0 */
  readonly lastSeq?: number
  /** Eight bits for the user of the spool. @default 0 */
  readonly flags?: number
  /** Names the record, for the user of the spool; up to 255 printable ASCII characters, else it is not kept. @default none */
  readonly name?: string
}

/** What is read of a record. */
export type ReadMeta = Required<Omit<RecordMeta, 'name'>> & Pick<RecordMeta, 'name'>

/** A header that was found whole. */
export interface Header extends ReadMeta {
  readonly kind: number
  /** Bytes of header and payload. */
  readonly length: number
  readonly headerLength: number
  readonly payloadCrc: number
}

/** How many bytes the header of such a record takes. */
export function headerBytes({ name }: RecordMeta): number {
  return HEADER_BYTES + (name !== undefined && NAME.test(name) ? FIELD_BYTES + name.length : 0)
}

/** Writes a header in front of the payload, which is at byte `headerBytes(meta)` of `frame`. `seed` is that of the segment, `offset` the place in it. */
export function writeHeader(frame: Buffer, kind: number, meta: RecordMeta, seed: number, offset: number): void {
  const { events = 0, firstSeq = 0, lastSeq = 0, flags = 0, name = '' } = meta
  const bytes = headerBytes(meta)
  const checked = longest.subarray(0, bytes)
  writeInteger(checked, offset, 0)
  checked.writeUInt16LE(bytes, 8)
  checked[10] = kind
  checked[11] = flags
  checked.writeUInt32LE(frame.length - bytes, 12)
  checked.writeUInt32LE(crc32c(frame, 0, bytes), 16)
  checked.writeUInt32LE(events >>> 0, 20)
  writeInteger(checked, firstSeq, 24)
  writeInteger(checked, lastSeq, 32)
  if (bytes > HEADER_BYTES) {
    checked[HEADER_BYTES] = NAME_FIELD
    checked[HEADER_BYTES + 1] = name.length
    checked.write(name, HEADER_BYTES + FIELD_BYTES, 'latin1')
  }
  frame.set(checked)
  frame.writeUInt32LE(MARKER, 0)
  frame.writeUInt32LE(crc32c(checked, seed), 4)
}

/** The header at byte `at` of `bytes`, which is byte `offset` of the segment; undefined if there is none, or not all of it. */
export function readHeader(bytes: Buffer, at: number, seed: number, offset: number): Header | undefined {
  if (bytes.length - at < HEADER_BYTES || bytes.readUInt32LE(at) !== MARKER) return undefined
  const headerLength = bytes.readUInt16LE(at + 8)
  if (headerLength < HEADER_BYTES || headerLength > MAX_HEADER_BYTES || at + headerLength > bytes.length) return undefined
  if (bytes.readUInt32LE(at + 4) !== headerCrc(bytes, at, headerLength, seed, offset)) return undefined
  return {
    kind: bytes[at + 10] as number,
    flags: bytes[at + 11] as number,
    headerLength,
    length: headerLength + bytes.readUInt32LE(at + 12),
    payloadCrc: bytes.readUInt32LE(at + 16),
    events: bytes.readUInt32LE(at + 20),
    firstSeq: readInteger(bytes, at + 24),
    lastSeq: readInteger(bytes, at + 32),
    ...nameIn(bytes, at + HEADER_BYTES, at + headerLength),
  }
}

/* Among the fields behind byte 40; those that are not known are passed. */
function nameIn(bytes: Buffer, from: number, to: number): { readonly name?: string } {
  for (let at = from; at + FIELD_BYTES <= to; at += FIELD_BYTES + (bytes[at + 1] as number)) {
    const end = at + FIELD_BYTES + (bytes[at + 1] as number)
    const text = bytes[at] === NAME_FIELD && end <= to ? bytes.toString('latin1', at + FIELD_BYTES, end) : ''
    if (NAME.test(text)) return { name: text }
  }
  return {}
}

/** The first place in `bytes`, from `from` on, at which a header may begin; -1 if there is none. */
export function findMarker(bytes: Buffer, from: number): number {
  return bytes.indexOf(MARKER_BYTES, from)
}

/** Bytes that must be in sight for a header to be recognised, whatever its length. */
export const SIGHT_BYTES: number = MAX_HEADER_BYTES

const place = Buffer.alloc(8)
/* A header with the offset in place of what is not checked, marker and checksum, so that the checksum is made in one go. */
const longest = Buffer.alloc(MAX_HEADER_BYTES)

function headerCrc(bytes: Buffer, at: number, length: number, seed: number, offset: number): number {
  writeInteger(place, offset, 0)
  return crc32c(bytes.subarray(at + 8, at + length), crc32c(place, seed))
}

function writeInteger(bytes: Buffer, value: number, at: number): void {
  const high = Math.floor(value / TWO_TO_32)
  bytes.writeUInt32LE((value - high * TWO_TO_32) >>> 0, at)
  bytes.writeUInt32LE(high >>> 0, at + 4)
}

function readInteger(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * TWO_TO_32 + bytes.readUInt32LE(at)
}
