export { crc32c } from './checksum'
export { claimAbandonedSpool, claimSpool, claimSpoolDirectory, type SpoolClaim, type SpoolClaimOptions } from './claim'
export type { RecordMeta } from './frame'
export { findSpools, inspectSpool, type SegmentReport, type SpoolReport } from './inspection'
export { type SpoolCounts, SpoolLedger, type Tally, type TallyName } from './ledger'
export type { OnNotice, SpoolNotice } from './notice'
export type { SpoolPlace, SpoolReaderOptions, SpoolWriterOptions } from './options'
export { type Owner, type Owners, systemOwners } from './owner'
export { comparePositions, type SpoolPosition } from './position'
export {
  openSpoolReader,
  type SpoolDamage,
  type SpoolEnd,
  type SpoolReader,
  type SpoolReadFailure,
  type SpoolRecord,
} from './reader'
export { repairSpool } from './repair'
export { messageOf, nodeFiles, type OpenMode, type SpoolFiles } from './spool-files'
export { type AppendOptions, type AppendResult, openSpoolWriter, type SpoolWriter } from './writer'
