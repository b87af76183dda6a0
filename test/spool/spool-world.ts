import { expect } from 'chai'
import {
  openSpoolReader,
  openSpoolWriter,
  SpoolLedger,
  type SpoolNotice,
  type SpoolReader,
  type SpoolRecord,
  type SpoolWriter,
} from '../../lib/spool'
import { SimulatedDisk } from './simulated-disk'

const DIRECTORY = '/spool/one'
const TRIES = 8

interface Owed {
  readonly id: number
  /** Must be read, unless it is committed. False: may be read. */
  certain: boolean
  synced: boolean
}

/** Sizes that make many segments of few records. */
export const SMALL = { maxBytes: 1024 * 1024, segmentBytes: 1024 } as const

/**
 * A spool on a simulated disk, and beside it a model of what must and what may be read. A record is its number.
 */
export class SpoolWorld {
  readonly disk = new SimulatedDisk()
  readonly notices: SpoolNotice[] = []
  ledger = new SpoolLedger()
  writer!: SpoolWriter
  reader!: SpoolReader
  #metAtStart = 0
  readonly #owed: Owed[] = []
  #nextId = 1
  #lastRead = 0
  #lastRecord: SpoolRecord | undefined
  /* All up to these is committed: in this process; in this or an earlier one; and a cursor file says so. */
  #committed = 0
  #everCommitted = 0
  #stored = 0

  constructor() {
    this.#start()
  }

  append(size: number, sync: boolean): void {
    const id = this.#nextId++
    const before = this.disk.met.length
    const result = this.writer.append(payloadOf(id, size), { events: 1, firstSeq: id, lastSeq: id, sync })
    const inDoubt = this.disk.met.length > before || this.disk.crashed
    if (result.outcome === 'spooled') {
      if (sync && !inDoubt) expect(result.synced).to.equal(true)
      this.#owed.push({ id, certain: true, synced: result.synced })
    } else {
      if (!inDoubt) expect.fail(`a record was refused without a fault: ${result.message}`)
      this.#owed.push({ id, certain: false, synced: false })
    }
  }

  /** Reads one record, and checks that it is the right one. False at the end. */
  next(): boolean {
    const found = this.reader.next()
    if (found.kind !== 'record') {
      if (found.kind === 'failed' && this.disk.met.length === 0) expect.fail(`reading failed without a fault: ${found.reason}`)
      if (found.kind === 'end' && !this.disk.crashed) this.#expectNothingCertain(this.#lastRead, Number.POSITIVE_INFINITY)
      return false
    }
    const id = idOf(found.payload)
    expect(found.meta).to.deep.equal({ events: 1, firstSeq: id, lastSeq: id, flags: 0 })
    expect(
      this.#owed.some((owed) => owed.id === id),
      `record ${id} was appended`,
    ).to.equal(true)
    expect(id, 'order').to.be.above(this.#lastRead)
    this.#expectNothingCertain(this.#lastRead, id)
    this.#lastRead = id
    this.#lastRecord = found
    return true
  }

  commit(): void {
    if (this.#lastRecord === undefined) return
    const stored = this.reader.commit(this.#lastRecord.next)
    this.#committed = this.#lastRead
    this.#everCommitted = Math.max(this.#everCommitted, this.#committed)
    if (stored) this.#stored = this.#lastRead
  }

  rewind(): void {
    this.reader.rewind()
    this.#lastRead = this.#committed
    this.#lastRecord = undefined
  }

  reopenWriter(): void {
    this.writer.close()
    this.writer = this.#openWriter()
  }

  reopenReader(): void {
    this.reader.close()
    this.#lastRead = this.#committed
    this.#lastRecord = undefined
    this.reader = this.#openReader()
  }

  /** The process is killed, whether a fault said so or not; with `random` the power fails. */
  restart(random?: () => number): void {
    this.disk.restart(random)
    this.disk.disarm()
    const powerFailed = random !== undefined
    // What was committed may come again if no cursor says so, or need not.
    for (const owed of this.#owed) owed.certain &&= owed.id > this.#everCommitted && (owed.synced || !powerFailed)
    this.#stored = powerFailed ? 0 : this.#stored
    this.#committed = this.#stored
    this.#lastRead = this.#stored
    this.#start()
  }

  /** Reads and commits all, and then one record more. */
  finish(): void {
    this.disk.disarm()
    if (this.disk.crashed) this.restart()
    this.#drain()
    // A fault may have kept something from being counted at the opening.
    if (this.disk.met.length === this.#metAtStart) {
      expect(this.ledger.counts().pending).to.deep.equal({ records: 0, events: 0, bytes: 0 })
    }
    this.append(10, false)
    this.#drain()
    expect(this.#lastRead, 'the record that was appended last').to.equal(this.#nextId - 1)
    this.writer.close()
    this.reader.close()
    expect(this.disk.openHandles, 'open files').to.equal(0)
  }

  #drain(): void {
    for (let tries = 0; tries < TRIES; tries++) while (this.next()) this.commit()
    this.commit()
  }

  #start(): void {
    this.#lastRecord = undefined
    this.#metAtStart = this.disk.met.length
    this.ledger = new SpoolLedger()
    this.writer = this.#openWriter()
    this.reader = this.#openReader()
  }

  #openWriter(): SpoolWriter {
    return openSpoolWriter({ ...SMALL, ...this.#place() })
  }

  #openReader(): SpoolReader {
    return openSpoolReader({ ...this.#place(), now: () => this.disk.calls, syncCursorMs: 50 })
  }

  #place() {
    const onNotice = (notice: SpoolNotice): void => void this.notices.push(notice)
    return { directory: DIRECTORY, ledger: this.ledger.buffer, files: this.disk, onNotice }
  }

  #expectNothingCertain(after: number, before: number): void {
    const skipped = this.#owed.find(({ id, certain }) => certain && id > after && id < before)
    if (skipped !== undefined) expect.fail(`record ${skipped.id} is lost`)
  }
}

export function payloadOf(id: number, size: number): Buffer {
  return Buffer.from(`${id}:`.padEnd(size, '.'))
}

export function idOf(payload: Buffer): number {
  return Number.parseInt(payload.toString(), 10)
}
