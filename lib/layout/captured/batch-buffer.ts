import { MAX_PLAIN } from '../../event'
import { MAX_COLUMNS } from './format'

const FIRST_COLUMNS = 8 * 1024
const FIRST_BYTES = 32 * 1024
/* What is kept for a later batch; more has been the exception. */
const KEPT_BYTES = 1024 * 1024
/* A UTF-16 unit has at most three bytes in UTF-8. */
const MAX_UNIT_BYTES = 3

/* Up to here a loop is faster than a call out of JavaScript. */
const SHORT = 48

/** The memory of a batch. What is before `rowsEnd` and `recordsEnd` belongs to the batch; behind that is the event that is being captured. */
export class BatchBuffer {
  rows = new Float64Array(FIRST_COLUMNS)
  records: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  rowsEnd = 0
  recordsEnd = 0

  /** Begins anew. */
  clear(): void {
    this.rowsEnd = 0
    this.recordsEnd = 0
  }

  /** Makes room for a row behind the batch, and before the first one gives up what has become large. */
  makeRoom(): void {
    if (this.rowsEnd === 0) this.#shrink()
    if (this.rowsEnd + MAX_COLUMNS <= this.rows.length) return
    const rows = new Float64Array(this.rows.length * 2)
    rows.set(this.rows)
    this.rows = rows
  }

  /** The records, with room for a plain text from `at` on. */
  plainAt(at: number): Buffer {
    if (at + MAX_PLAIN > this.records.length) this.#grow(at + MAX_PLAIN)
    return this.records
  }

  /** Writes a text into the records from `at` on, and returns where it ends. */
  write(text: string, at: number): number {
    const end = at + text.length * MAX_UNIT_BYTES
    if (end > this.records.length) this.#grow(end)
    return writeShort(text, this.records, at) ? at + text.length : at + this.records.write(text, at)
  }

  /** Copies a row and its bytes behind the batch. */
  put(row: Float64Array, bytes: Uint8Array): void {
    this.makeRoom()
    this.rows.set(row, this.rowsEnd)
    const end = this.recordsEnd + bytes.length
    if (end > this.records.length) this.#grow(end)
    this.records.set(bytes, this.recordsEnd)
  }

  #shrink(): void {
    if (this.rows.byteLength > KEPT_BYTES) this.rows = new Float64Array(FIRST_COLUMNS)
    if (this.records.length > KEPT_BYTES) this.records = Buffer.allocUnsafeSlow(FIRST_BYTES)
  }

  #grow(size: number): void {
    const records = Buffer.allocUnsafeSlow(size * 2)
    records.set(this.records)
    this.records = records
  }
}

function writeShort(text: string, into: Uint8Array, at: number): boolean {
  const { length } = text
  if (length > SHORT) return false
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    into[at + i] = code
  }
  return true
}
