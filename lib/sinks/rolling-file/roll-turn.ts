import { linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { crypto } from '../../internal/builtin'
import { type Owner, systemOwners } from '../../spool'

/*
 * Of several processes that write to one file, one finishes it. Whose turn that is stands beside the file:
 *
 *   app.log.roll-812345.1     the first one that wanted to finish the file with inode 812345
 *   app.log.roll-812345.2     the one that found the first one dead
 *
 * A turn is made whole and under a name that must not be there (link), so nobody takes over from the same one twice, and one who was slow to do so finds another
 * turn, or another file under the path. None is taken away before that file has its new name.
 */
const ELSEWHERE_MS = 60_000
/* Another thread of this process finishes a file in much less than this, or it was ended in the middle. */
const OWN_MS = 2_000

/** Takes the turn to finish the file `path` with inode `ino`: what ends it, undefined if somebody else has it. Throws what the file system throws. */
export function takeTurn(path: string, ino: number): (() => void) | undefined {
  const prefix = `${basename(path)}.roll-${ino}.`
  const last = turns(path, prefix)
  if (last > 0 && isTaken(join(dirname(path), `${prefix}${last}`))) return undefined
  const turn = join(dirname(path), `${prefix}${last + 1}`)
  if (!make(turn)) return undefined
  return () => removeTurns(path, prefix)
}

/* Those of other files are of processes that were killed after they had finished one. */
function removeTurns(path: string, prefix: string): void {
  for (const name of readdirSync(dirname(path))) {
    const turn = join(dirname(path), name)
    if (name.startsWith(prefix) || (name.startsWith(`${basename(path)}.roll-`) && ageMs(turn) > ELSEWHERE_MS))
      rmSync(turn, { force: true })
  }
}

function ageMs(turn: string): number {
  return Date.now() - (statSync(turn, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
}

function turns(path: string, prefix: string): number {
  const endings = readdirSync(dirname(path)).map((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : ''))
  return Math.max(0, ...endings.filter((ending) => /^\d+$/.test(ending)).map(Number))
}

function make(turn: string): boolean {
  const draft = `${turn}.${crypto().randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${JSON.stringify(systemOwners.self())}\n`, { flag: 'wx' })
  try {
    linkSync(draft, turn)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function isTaken(turn: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(turn, 'utf8')) as Owner
    const self = systemOwners.self()
    if (owner.place !== self.place) return ageMs(turn) < ELSEWHERE_MS
    if (owner.pid === self.pid && owner.started === self.started) return ageMs(turn) < OWN_MS
    return systemOwners.lives(owner)
  } catch (error) {
    // It has just been taken away, by the one who has finished the file.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
}
