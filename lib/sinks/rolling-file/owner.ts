import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Owner, systemOwners } from '../../spool'

/**
 * Says in a file beside the logs that this process writes to them, whichever of its threads. Undefined if it may, else who does.
 *
 * What a process left behind that was killed is taken over; so is what another host or container left, which cannot be asked: files on a disk that
 * they share are not guarded. Throws what the file system throws.
 */
export function takeOwnership(path: string, directoryMode: number): string | undefined {
  const self = systemOwners.self()
  mkdirSync(dirname(path), { recursive: true, mode: directoryMode })
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(path, `${JSON.stringify(self)}\n`, { flag: 'wx' })
      return undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const other = ownerIn(path)
    if (other !== undefined && isSame(other, self)) return undefined
    if (other?.place === self.place && systemOwners.lives(other)) return `process ${other.pid}`
    rmSync(path, { force: true })
  }
  return 'another process'
}

/** The living process that writes to them alone, as `takeOwnership` names it. */
export function ownerAt(path: string): string | undefined {
  const [owner, self] = [ownerIn(path), systemOwners.self()]
  if (owner === undefined || owner.place !== self.place || isSame(owner, self)) return undefined
  return systemOwners.lives(owner) ? `process ${owner.pid}` : undefined
}

/** Takes the file away, if it is this process's. */
export function giveUpOwnership(path: string): void {
  try {
    const other = ownerIn(path)
    if (other !== undefined && isSame(other, systemOwners.self())) rmSync(path, { force: true })
  } catch {
    // Whoever comes next finds a process that has ended.
  }
}

function isSame(a: Owner, b: Owner): boolean {
  return a.place === b.place && a.pid === b.pid && a.started === b.started
}

/* Undefined for a file that is none of ours, or half written. */
function ownerIn(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner | null
    return Number.isInteger(owner?.pid) ? (owner as Owner) : undefined
  } catch {
    return undefined
  }
}
