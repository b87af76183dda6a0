import { claimAbandonedSpool, openSpoolReader, type SpoolClaimOptions, SpoolLedger, type SpoolReader } from '../../spool'
import { spoolNameOf } from './spool-name'

/** A spool for which no process has come back, until all that lies in it is delivered. Whoever claimed it closes it. */
export class AdoptedSpool {
  readonly reader: SpoolReader
  readonly ledger: SpoolLedger
  readonly name: string
  readonly #lease: { renew(): boolean; release(): void }

  private constructor(directory: string, lease: { renew(): boolean; release(): void }, onNotice: (message: string) => void) {
    this.ledger = new SpoolLedger()
    this.name = spoolNameOf(directory)
    this.#lease = lease
    // Nobody writes to it any more, so its last segment is removed too when it is settled.
    this.reader = openSpoolReader({
      ...{ directory, ledger: this.ledger.buffer, final: true },
      onNotice: ({ message }) => onNotice(message),
    })
  }

  /** One that nobody alive owns; undefined: there is none, or the disk is in trouble. */
  static claim(options: SpoolClaimOptions, onNotice: (message: string) => void): AdoptedSpool | undefined {
    const claim = claimAbandonedSpool(options)
    return claim.claimed ? new AdoptedSpool(claim.directory, claim, onNotice) : undefined
  }

  /** False: another process has taken it over. */
  renew(): boolean {
    return this.#lease.renew()
  }

  /** Gives it back; one that is empty is removed. */
  close(): void {
    this.reader.close()
    this.#lease.release()
  }
}
