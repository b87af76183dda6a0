import {
  claimSpool,
  crc32c,
  openSpoolReader,
  openSpoolWriter,
  SpoolLedger,
  type SpoolReader,
  type SpoolRecord,
  type SpoolWriter,
} from '../../spool'
import type { KeptBatch } from '../batch-part'
import { tellCounts } from './spool-counts'
import type { Timing } from './timing'

/** Three times in a lease, as `claimSpool` asks. */
const LEASE_MS = 60_000
const RENEW_MS = LEASE_MS / 4

/** Where a `SpoolStore` is, and how large it may get. */
export interface StoreOptions {
  readonly directory: string
  readonly maxBytes: number
  readonly whenFull: 'refuse' | 'drop-oldest'
}

interface Claimed {
  readonly writer: SpoolWriter
  readonly reader: SpoolReader
  readonly ledger: SpoolLedger
  readonly name: string
  /** Tells the thread that logs what is there now. */
  tell(): void
  renew(): boolean
  release(): void
}

/**
 * The spool of one `spooling`, on one thread: a folder of its own in `directory`, which no other process uses at the same time. What an earlier process for
 * the same destination has left there is found. A folder that cannot be had now is asked for again later.
 */
export class SpoolStore {
  readonly #options: StoreOptions
  readonly #destination: string
  readonly #shared: SharedArrayBuffer
  readonly #timing: Timing
  readonly #onTrouble: (reason: string) => void
  #claimed: Claimed | undefined
  #askedAt = Number.NEGATIVE_INFINITY
  #callOff: (() => void) | undefined
  #closed = false
  /* Nothing was appended since the end was read. What is damaged is neither read nor settled, so counts do not tell. */
  #isDrained = true

  constructor(
    options: StoreOptions,
    destination: string,
    shared: SharedArrayBuffer,
    timing: Timing,
    onTrouble: (reason: string) => void,
  ) {
    this.#options = options
    this.#destination = destination
    this.#shared = shared
    this.#timing = timing
    this.#onTrouble = onTrouble
    this.#open()
  }

  /** Whether all that was put into it has been read and settled. */
  get isEmpty(): boolean {
    return this.#claimed === undefined || this.#isDrained
  }

  /** Puts a batch behind all others; why not, if it cannot. */
  append(batch: KeptBatch): string | undefined {
    const claimed = this.#open()
    if (claimed === undefined) return `no spool is to be had in ${this.#options.directory}`
    const { lines, events } = batch
    const firstSeq = batch.rows()[0]?.seq ?? 0
    const result = claimed.writer.append(lines, { events, firstSeq, lastSeq: batch.rows().at(-1)?.seq ?? firstSeq })
    claimed.tell()
    if (result.outcome !== 'spooled') return result.message
    this.#isDrained = false
    return undefined
  }

  /** The first record that is not settled, with its name; undefined: there is none; a text: the disk is in trouble, so try again later. */
  next(): { readonly record: SpoolRecord; readonly name: string } | string | undefined {
    const claimed = this.#open()
    if (claimed === undefined) return undefined
    const found = claimed.reader.next()
    claimed.tell()
    if (found.kind === 'failed') return found.reason
    this.#isDrained = found.kind === 'end'
    if (found.kind === 'end') return undefined
    const { segment, offset } = found.position
    return { record: found, name: `${claimed.name}-${segment}-${offset}` }
  }

  /** `record`, the first one, is settled; false if it was dropped meanwhile to make room, and counts as that. */
  settle({ next }: SpoolRecord): boolean {
    const claimed = this.#claimed
    if (claimed === undefined) return false
    const { records } = claimed.ledger.counts().committed
    claimed.reader.commit(next)
    claimed.tell()
    return claimed.ledger.counts().committed.records > records
  }

  /** Gives the folder back. Idempotent. */
  close(): void {
    this.#closed = true
    this.#letGo()
  }

  #open(): Claimed | undefined {
    if (this.#claimed !== undefined || this.#closed) return this.#claimed
    if (this.#timing.now() - this.#askedAt < RENEW_MS) return undefined
    this.#askedAt = this.#timing.now()
    const { directory: base, maxBytes, whenFull } = this.#options
    const name = `spooling-${crc32c(Buffer.from(this.#destination)).toString(16).padStart(8, '0')}`
    const claim = claimSpool({ base, name, leaseMs: LEASE_MS })
    if (!claim.claimed) {
      this.#onTrouble(`events are not spooled: ${claim.message}`)
      return undefined
    }
    const { directory } = claim
    const ledger = new SpoolLedger()
    const place = { directory, ledger: ledger.buffer, onNotice: ({ message }: { message: string }) => this.#onTrouble(message) }
    const writer = openSpoolWriter({ ...place, maxBytes, whenFull })
    const tell = tellCounts(this.#shared, ledger)
    const spool = directory.split(/[\\/]/).at(-1) as string
    this.#claimed = { ...claim, writer, reader: openSpoolReader(place), ledger, tell, name: spool }
    tell()
    this.#isDrained = ledger.counts().pending.records === 0
    this.#renewLater()
    return this.#claimed
  }

  #renewLater(): void {
    this.#callOff = this.#timing.after(RENEW_MS, () => {
      if (this.#claimed?.renew() === true) this.#renewLater()
      else {
        this.#onTrouble(`another process has taken over a spool in ${this.#options.directory}`)
        this.#letGo()
      }
    })
  }

  #letGo(): void {
    this.#callOff?.()
    const claimed = this.#claimed
    this.#claimed = undefined
    claimed?.reader.close()
    claimed?.writer.close()
    claimed?.release()
  }
}
