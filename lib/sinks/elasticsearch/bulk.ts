import { isUtf8 } from 'node:buffer'
import type { BatchEvent } from '../sink'
import { DocumentScanner } from './document-scanner'
import { indexAt } from './options'

const DAY_MS = 86_400_000
/* Beyond what a date can be. */
const MAX_MS = 8.64e15
/* What an action and a timestamp take in the usual case, and the most that they can take without the id: an index has 255 bytes at most. */
const USUAL_BYTES = 200
const MOST_BYTES = 2048
const ID = Buffer.from(',"_id":"')
const DASH = Buffer.from('-')
const ACTION_END = Buffer.from('}}\n')
const ID_END = Buffer.from('"}}\n')

/**
 * Makes bodies of `_bulk` requests: for each line the action `create`, which is what data streams take, and the document. A line that says of which
 * instance and number it is has an id made of these, so that it is there once however often it is sent. A line without `@timestamp` gets one, because data
 * streams refuse what has no time of this name.
 *
 * Documents are copied as they are, byte for byte; lines that are not as our layouts write them are read by JSON.parse first.
 */
export class BulkMaker {
  readonly #actionOf: (time: number) => Uint8Array
  readonly #stampOf: (time: number) => Uint8Array
  readonly #isDaily: boolean
  readonly #scanner = new DocumentScanner()
  #body = Buffer.alloc(0)
  #at = 0

  constructor(index: string) {
    this.#isDaily = indexAt(index, 0) !== index
    this.#actionOf = this.#isDaily ? dailyAction(index) : always(actionOf(index))
    this.#stampOf = timestamps()
  }

  /** Reads `lines` before it returns. */
  bodyOf(lines: Uint8Array, rows: readonly BatchEvent[]): Buffer {
    const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length)
    const isText = isUtf8(lines)
    this.#body = Buffer.allocUnsafe(lines.length + rows.length * USUAL_BYTES)
    this.#at = 0
    this.#scanner.begin(bytes)
    for (let i = 0; i < rows.length; i++) {
      const { start, end } = rows[i] as BatchEvent
      if (!isText || !this.#scanner.read(start, end) || !this.#addScanned(bytes, start, end)) this.#addRead(bytes, start, end)
    }
    const body = this.#body.subarray(0, this.#at)
    this.#body = Buffer.alloc(0)
    return body
  }

  #addScanned(bytes: Buffer, start: number, end: number): boolean {
    const { datedFrom, datedTo, instanceFrom, instanceTo, seqFrom, seqTo } = this.#scanner
    const isDated = datedTo > 0
    const said = isDated && this.#isDaily ? Date.parse(bytes.toString('latin1', datedFrom, datedTo)) : this.#scanner.time
    if (!isDated && Number.isNaN(said)) return false
    const time = isDated && !this.#isDaily ? 0 : timeOf(said)
    this.#reserve(end - start + instanceTo - instanceFrom)
    this.#copy(this.#actionOf(time))
    if (instanceTo > 0 && seqTo > 0) {
      this.#copy(ID)
      this.#copy(bytes, instanceFrom, instanceTo)
      this.#copy(DASH)
      this.#copy(bytes, seqFrom, seqTo)
      this.#copy(ID_END)
    } else this.#copy(ACTION_END)
    if (!isDated) this.#copy(this.#stampOf(time))
    this.#at += bytes.copy(this.#body, this.#at, isDated ? start : start + 1, end)
    return true
  }

  #addRead(bytes: Buffer, start: number, end: number): void {
    const line = bytes.toString('utf8', start, end)
    const said = objectOf(line)
    const dated = said['@timestamp']
    const time = timeOf(typeof dated === 'string' ? Date.parse(dated) : said['time'])
    const id = idOf(said['instance'] ?? said['tracelane.instance'], said['seq'] ?? said['tracelane.seq'])
    const isAsItIs = dated !== undefined || !line.startsWith('{"')
    const document = `${isAsItIs ? line : line.slice(1)}${line.endsWith('\n') ? '' : '\n'}`
    const text = Buffer.from(`${id === undefined ? '' : `,"_id":${JSON.stringify(id)}`}}}\n`)
    const rest = Buffer.from(document)
    this.#reserve(text.length + rest.length)
    this.#copy(this.#actionOf(time))
    this.#copy(text)
    if (!isAsItIs) this.#copy(this.#stampOf(time))
    this.#at += rest.copy(this.#body, this.#at)
  }

  #copy(bytes: Uint8Array, from = 0, to = bytes.length): void {
    const body = this.#body
    const shift = this.#at - from
    for (let i = from; i < to; i++) body[i + shift] = bytes[i] as number
    this.#at += to - from
  }

  /* For so many bytes, and what an action and a timestamp take. */
  #reserve(bytes: number): void {
    const needed = this.#at + bytes + MOST_BYTES
    if (needed <= this.#body.length) return
    const grown = Buffer.allocUnsafe(needed * 2)
    this.#body.copy(grown, 0, 0, this.#at)
    this.#body = grown
  }
}

const always = (bytes: Uint8Array) => (): Uint8Array => bytes

/* The beginning of an action, up to its index. */
function actionOf(index: string): Uint8Array {
  return Buffer.from(`{"create":{"_index":${JSON.stringify(index)}`)
}

/* The same for a time. */
function dailyAction(index: string): (time: number) => Uint8Array {
  let lastDay = Number.NaN
  let action: Uint8Array = ACTION_END
  return (time) => {
    // A date has whole milliseconds only, cut off towards 0.
    const day = Math.floor(Math.trunc(time) / DAY_MS)
    if (day !== lastDay) {
      lastDay = day
      action = actionOf(indexAt(index, time))
    }
    return action
  }
}

/* The beginning of a document, up to the second key. */
function timestamps(): (time: number) => Uint8Array {
  let last = Number.NaN
  let text: Uint8Array = ACTION_END
  return (time) => {
    if (time !== last) {
      last = time
      text = Buffer.from(`{"@timestamp":"${new Date(time).toISOString()}",`)
    }
    return text
  }
}

function timeOf(time: unknown): number {
  return typeof time === 'number' && Math.abs(time) <= MAX_MS ? time : Date.now()
}

function idOf(instance: unknown, seq: unknown): string | undefined {
  return typeof instance === 'string' && typeof seq === 'number' ? `${instance}-${seq}` : undefined
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(line) ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
