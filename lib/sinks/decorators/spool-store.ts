import {
  claimSpool,
  crc32c,
  openSpoolReader,
  openSpoolWriter,
  type SpoolClaimOptions,
  SpoolLedger,
  type SpoolReader,
  type SpoolRecord,
  type SpoolWriter,
} from '../../spool'
import type { KeptBatch } from '../batch-part'
import { AdoptedSpool } from './adopted-spool'
import { tellCounts } from './spool-counts'
import { spoolNameOf } from './spool-name'
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

/** Where a record lies. */
interface Source {
  readonly reader: SpoolReader
  readonly ledger: SpoolLedger
  readonly name: string
}

/** A record that is to be sent. */
export interface Found {
  readonly record: SpoolRecord
  /** The same whichever process sends it. */
  readonly name: string
  /** It was left by a process that did not come back, so nothing waits for it. */
  readonly isAdopted: boolean
  readonly source: Source
}

interface Claimed extends Source {
  readonly writer: SpoolWriter
  /* Its own, and those of spools that were adopted. */
  readonly ledgers: SpoolLedger[]
  /** Tells the thread that logs what is there now. */
  tell(): void
  renew(): boolean
  release(): void
}

/**
 * The spool of one `spooling`, on one thread: a folder of its own in `directory`, which no other process uses at the same time. What an earlier process for
 * the same destination has left there is found. A folder that cannot be had now is asked for again later.
 *
 * There may be more folders than processes, after some have died: as long as nothing lies in its own, it adopts one after the other of those that nobody alive
 * has.
 */
export class SpoolStore {
  readonly #options: StoreOptions
  readonly #destination: string
  readonly #shared: SharedArrayBuffer
  readonly #timing: Timing
  readonly #onTrouble: (reason: string) => void
  #claimed: Claimed | undefined
  #adopted: AdoptedSpool | undefined
  readonly #hadAdopted = new Set<string>()
  #lookedAt = Number.NEGATIVE_INFINITY
  #onLook: (() => void) | undefined
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
    const lastSeq = batch.rows().at(-1)?.seq ?? firstSeq
    const result = claimed.writer.append(lines, { events, firstSeq, lastSeq, name: batch.id })
    claimed.tell()
    if (result.outcome !== 'spooled') return result.message
    this.#isDrained = false
    return undefined
  }

  /** Has `look` called when it is time to ask for the `next` record again, though nobody has appended one. */
  onLook(look: () => void): void {
    this.#onLook = look
  }

  /** The first record that is not settled; undefined: there is none; a text: the disk is in trouble, so try again later. */
  next(): Found | string | undefined {
    const claimed = this.#open()
    if (claimed === undefined) return undefined
    const found = this.#read(claimed)
    this.#isDrained = found === undefined
    return found ?? this.#nextAdopted(claimed)
  }

  /** The record, the first one, is settled; false if it was dropped meanwhile to make room, and counts as that. */
  settle({ record, source }: Found): boolean {
    if (source !== this.#claimed && source !== this.#adopted) return false
    const { records } = source.ledger.counts().committed
    source.reader.commit(record.next)
    this.#claimed?.tell()
    return source.ledger.counts().committed.records > records
  }

  /** Gives the folder back. Idempotent. */
  close(): void {
    this.#closed = true
    this.#letGo()
  }

  #read(source: Source): Found | string | undefined {
    const found = source.reader.next()
    this.#claimed?.tell()
    if (found.kind === 'failed') return found.reason
    if (found.kind === 'end') return undefined
    const { segment, offset } = found.position
    // A destination that had it once already, and whose receipt got lost, knows it by the name under which it was sent.
    const name = found.meta.name ?? `${source.name}-${segment}-${offset}`
    return { record: found, name, isAdopted: source !== this.#claimed, source }
  }

  #nextAdopted(claimed: Claimed): Found | string | undefined {
    for (;;) {
      this.#adopted ??= this.#adopt(claimed)
      if (this.#adopted === undefined) return undefined
      const found = this.#read(this.#adopted)
      if (found !== undefined) return found
      this.#leaveAdopted()
    }
  }

  /* After one there may be another one at once; else it looks now and then. */
  #adopt({ ledgers }: Claimed): AdoptedSpool | undefined {
    if (this.#timing.now() - this.#lookedAt < RENEW_MS) return undefined
    const adopted = AdoptedSpool.claim(this.#claimOptions(), this.#onTrouble)
    if (adopted !== undefined && !this.#hadAdopted.has(adopted.name)) {
      this.#hadAdopted.add(adopted.name)
      ledgers.push(adopted.ledger)
      return adopted
    }
    // One that comes again could not be removed: it is not sent over and over.
    adopted?.close()
    this.#lookedAt = this.#timing.now()
    return undefined
  }

  #leaveAdopted(): void {
    this.#adopted?.close()
    this.#adopted = undefined
  }

  #claimOptions(): SpoolClaimOptions {
    const name = `spooling-${crc32c(Buffer.from(this.#destination)).toString(16).padStart(8, '0')}`
    return { base: this.#options.directory, name, leaseMs: LEASE_MS }
  }

  #open(): Claimed | undefined {
    if (this.#claimed !== undefined || this.#closed) return this.#claimed
    if (this.#timing.now() - this.#askedAt < RENEW_MS) return undefined
    this.#askedAt = this.#timing.now()
    const { maxBytes, whenFull } = this.#options
    const claim = claimSpool(this.#claimOptions())
    if (!claim.claimed) {
      this.#onTrouble(`events are not spooled: ${claim.message}`)
      return undefined
    }
    const { directory } = claim
    const ledger = new SpoolLedger()
    const place = { directory, ledger: ledger.buffer, onNotice: ({ message }: { message: string }) => this.#onTrouble(message) }
    const writer = openSpoolWriter({ ...place, maxBytes, whenFull })
    const ledgers = [ledger]
    const tell = tellCounts(this.#shared, ledgers)
    this.#claimed = { ...claim, writer, reader: openSpoolReader(place), ledger, ledgers, tell, name: spoolNameOf(directory) }
    tell()
    this.#isDrained = ledger.counts().pending.records === 0
    this.#renewLater()
    return this.#claimed
  }

  #renewLater(): void {
    this.#callOff = this.#timing.after(RENEW_MS, () => {
      if (this.#adopted?.renew() === false) this.#leaveAdopted()
      if (this.#claimed?.renew() === true) {
        this.#renewLater()
        this.#onLook?.()
      } else {
        this.#onTrouble(`another process has taken over a spool in ${this.#options.directory}`)
        this.#letGo()
      }
    })
  }

  #letGo(): void {
    this.#callOff?.()
    this.#leaveAdopted()
    const claimed = this.#claimed
    this.#claimed = undefined
    claimed?.reader.close()
    claimed?.writer.close()
    claimed?.release()
  }
}
