import { writeSync } from 'node:fs'
import { type ErrorCode, TracelaneError } from '../errors'
import {
  claimSpoolDirectory,
  findSpools,
  inspectSpool,
  messageOf,
  openSpoolReader,
  repairSpool,
  type SpoolCounts,
  type SpoolReport,
} from '../spool'

const BUSY_PAUSE_MS = 5
const NEW_LINE = 0x0a
const STDOUT = 1

/** How `tracelane spool` prints. */
export interface SpoolFlags {
  readonly json: boolean
}

/** `tracelane spool ls`: what waits in the spools at `path`. Writes nothing to them. */
export function listSpools(path: string, { json }: SpoolFlags): void {
  const reports = spoolsAt(path).map((directory) => guarded(() => inspectSpool(directory)))
  print(json ? JSON.stringify(reports, null, 2) : reports.map(summaryOf).join('\n'))
}

/** `tracelane spool verify`: reads all of it, and writes nothing. Throws ERR_TRACELANE_SPOOL_DAMAGED if something is wrong. */
export function verifySpools(path: string, { json }: SpoolFlags): void {
  const reports = spoolsAt(path).map((directory) => guarded(() => inspectSpool(directory)))
  print(json ? JSON.stringify(reports, null, 2) : reports.map(detailsOf).join('\n'))
  const problems = reports.reduce((all, report) => all + report.problems.length, 0)
  if (problems > 0)
    throw fault('DAMAGED', `${problems} ${plural(problems, 'thing is', 'things are')} wrong; 'tracelane spool repair' mends them`)
}

/** `tracelane spool repair`: makes damaged spools whole. Throws ERR_TRACELANE_SPOOL_BUSY for one that is in use. */
export function repairSpools(path: string): void {
  for (const directory of spoolsAt(path)) {
    const done = claimed(directory, () => guarded(() => repairSpool(directory)))
    print([directory, ...(done.length === 0 ? ['nothing to repair'] : done).map((what) => `  ${what}`)].join('\n'))
  }
}

/** `tracelane spool drain`: writes what waits to stdout, the oldest spool first, and commits what stdout has taken. */
export function drainSpools(path: string): void {
  for (const directory of spoolsAt(path)) {
    const { committed, torn, corrupt } = claimed(directory, () => drain(directory))
    const damage = torn.records + corrupt.records
    const skipped = damage === 0 ? '' : `; ${damage} damaged ${plural(damage, 'place', 'places')} skipped`
    process.stderr.write(`${directory}: ${committed.records} records, ${committed.events} events${skipped}\n`)
  }
}

/* A record is committed after the write of it, so what stdout did not take comes again. */
function drain(directory: string): SpoolCounts {
  const reader = openSpoolReader({ directory, final: true })
  try {
    for (let failures = 0; ; ) {
      const found = reader.next()
      if (found.kind === 'end') return reader.ledger.counts()
      if (found.kind === 'failed') {
        if (++failures > MOST_FAILURES) throw fault('UNUSABLE', found.reason)
        continue
      }
      failures = 0
      write(found.payload)
      if (found.payload.at(-1) !== NEW_LINE) write(Buffer.from('\n'))
      if (!reader.commit(found.next))
        throw fault('UNUSABLE', `${directory} cannot be written, so what was drained would come again`)
    }
  } finally {
    reader.close()
  }
}

/* More than after which the reader goes around a place. */
const MOST_FAILURES = 10

function write(bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(STDOUT, bytes, written)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EAGAIN') throw fault('UNUSABLE', `stdout takes no more: ${message}`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS)
    }
  }
}

function spoolsAt(path: string): string[] {
  const found = guarded(() => findSpools(path))
  if (found.length === 0) throw fault('NOT_FOUND', `there is no spool in '${path}'`)
  return found
}

function claimed<T>(directory: string, act: () => T): T {
  const claim = claimSpoolDirectory(directory)
  if (!claim.claimed) throw fault(claim.reason === 'disk' ? 'UNUSABLE' : 'BUSY', claim.message)
  try {
    return act()
  } finally {
    claim.release()
  }
}

function guarded<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw fault('UNUSABLE', messageOf(error), error)
  }
}

function fault(kind: 'BUSY' | 'DAMAGED' | 'NOT_FOUND' | 'UNUSABLE', detail: string, cause?: unknown): TracelaneError {
  const code: ErrorCode = `ERR_TRACELANE_SPOOL_${kind}`
  return new TracelaneError(code, detail, { cause })
}

function summaryOf({ directory, usedBy, segments, owed, problems }: SpoolReport): string {
  const user = usedBy === null ? 'in no use' : `used by process ${usedBy === 0 ? 'unknown' : usedBy}`
  const wrong = problems.length === 0 ? '' : `, ${problems.length} ${plural(problems.length, 'problem', 'problems')}`
  return `${directory}: ${owed.records} records, ${owed.events} events, ${owed.bytes} bytes in ${segments.length} ${plural(segments.length, 'segment', 'segments')}, ${user}${wrong}`
}

function detailsOf(report: SpoolReport): string {
  const segments = report.segments.map(
    ({ name, bytes, records, owed }) => `  ${name}  ${bytes} bytes  ${records} records, ${owed.records} not committed`,
  )
  return [summaryOf(report), ...segments, ...report.problems.map((problem) => `  ! ${problem}`)].join('\n')
}

function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
