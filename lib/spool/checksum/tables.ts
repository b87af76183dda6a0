/*
 * CRC-32C (Castagnoli; RFC 3720 appendix B.4), "slicing by 16": one look-up for each byte, of which sixteen do not wait for each other
 * (Kounavis and Berry, 2008). The crc32 of node:zlib has another polynomial.
 */
const POLYNOMIAL = 0x82f63b78

type T = Int32Array
type Tables = readonly [T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T]

/* Table k has the CRC of each byte with k zero bytes behind it, so it is made of the table before, once the first one is whole. */
function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    return crc
  })
  const tables = [first]
  for (let table = first; tables.length < 16; tables.push(table)) {
    table = table.map((crc) => (crc >>> 8) ^ (first[crc & 255] as number))
  }
  return tables as unknown as Tables
}

/* Made when they are needed: a program that spools nothing would wait for them when it loads us. */
let tables: Tables | undefined
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1
const WORTH_WORDS = 64

/**
 * The register of a CRC-32C after the bytes from `start` to `end`, from the register before them on; not inverted at either end. `words` is the whole buffer
 * of `bytes`: who has it at hand saves making it, which takes longer than two hundred bytes.
 */
export function throughTables(bytes: Uint8Array, before: number, start = 0, end = bytes.length, words?: Int32Array): number {
  if (!LITTLE_ENDIAN || end - start < WORTH_WORDS) return byBytes(bytes, start, end, before)
  const first = start + (-(bytes.byteOffset + start) & 3)
  const last = end - ((end - first) & 15)
  const all = words ?? new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2)
  const crc = byBytes(bytes, start, first, before)
  return byBytes(bytes, last, end, byWords(all, (bytes.byteOffset + first) >> 2, (bytes.byteOffset + last) >> 2, crc))
}

function byBytes(bytes: Uint8Array, from: number, to: number, before: number): number {
  tables ??= makeTables()
  const [T0] = tables
  let crc = before
  for (let i = from; i < to; i++) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[i] as number)) & 255] as number)
  return crc
}

/* From word `from` to word `to`, a multiple of four words. The casts say what noUncheckedIndexedAccess cannot see: each index is below 256. */
function byWords(words: Int32Array, from: number, to: number, before: number): number {
  tables ??= makeTables()
  const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, TA, TB, TC, TD, TE, TF] = tables
  let crc = before
  for (let i = from; i < to; i += 4) {
    const a = crc ^ (words[i] as number)
    const b = words[i + 1] as number
    const c = words[i + 2] as number
    const d = words[i + 3] as number
    crc =
      (TF[a & 255] as number) ^
      (TE[(a >>> 8) & 255] as number) ^
      (TD[(a >>> 16) & 255] as number) ^
      (TC[a >>> 24] as number) ^
      (TB[b & 255] as number) ^
      (TA[(b >>> 8) & 255] as number) ^
      (T9[(b >>> 16) & 255] as number) ^
      (T8[b >>> 24] as number) ^
      (T7[c & 255] as number) ^
      (T6[(c >>> 8) & 255] as number) ^
      (T5[(c >>> 16) & 255] as number) ^
      (T4[c >>> 24] as number) ^
      (T3[d & 255] as number) ^
      (T2[(d >>> 8) & 255] as number) ^
      (T1[(d >>> 16) & 255] as number) ^
      (T0[d >>> 24] as number)
  }
  return crc
}
