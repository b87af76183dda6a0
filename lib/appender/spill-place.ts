/** What the reading end of a spill has to know of it. It crosses to the flush thread. */
export interface SpillPlace {
  readonly directory: string
  /** The memory of the spool's ledger. */
  readonly ledger: SharedArrayBuffer
}
