import { join } from 'node:path'
import { crypto } from '../internal/builtin'
import type { Owner, Owners } from './owner'
import { codeOf, type SpoolFiles } from './spool-files'

/*
 * A spool's directory belongs to whoever has a lock file in it and is the only one alive that has:
 *
 *   lock-5f0c41d2a9e07b16     {"v":1,"pid":4711,"started":"812345","place":"host-a 3f6c… pid:[4026531836]"}
 *
 *   1  write an own lock under a name that nobody had before; 2  look at all others; 3  one of the living: take the own one away and give up;
 *      of the dead: remove it
 *
 * Of two who do this at once the later one to look sees the other, so never both get it; perhaps none does, and each goes on to another directory.
 */
const NAME = /^lock-[0-9a-f]{16}$/
const TEMPORARY = /^lock-[0-9a-f]{16}\.tmp$/
const VERSION = 1

/** What decides whether a lock is that of somebody alive. */
export interface LockRules {
  readonly files: SpoolFiles
  readonly owners: Owners
  readonly now: () => number
  /** How long a lock from another place, which cannot be asked, holds without being renewed, in milliseconds. */
  readonly leaseMs: number
}

/** A lock that we have. */
export interface Lock {
  /** Says that we are alive; false if somebody took the directory over, because we had been silent for too long. */
  renew(): boolean
  release(): void
}

/** The number of the living process that owns a directory; undefined if nobody does. Throws what the file system throws. */
export function ownerOf(directory: string, rules: LockRules): number | undefined {
  const live = otherLocks(directory, '', rules).find((lock) => lock.live)
  return live === undefined ? undefined : (readLock(rules.files, join(directory, live.name))?.pid ?? 0)
}

/** Takes a directory; undefined if it belongs to somebody. Throws what the file system throws. */
export function lockDirectory(directory: string, rules: LockRules): Lock | undefined {
  const { files, owners, now } = rules
  if (otherLocks(directory, '', rules).some(({ live }) => live)) return undefined
  const own = `lock-${crypto().randomBytes(8).toString('hex')}`
  const path = join(directory, own)
  writeLock(files, path, owners.self())
  const release = (): void => removeIfThere(files, path)
  try {
    const others = otherLocks(directory, own, rules)
    if (others.some(({ live }) => live)) {
      release()
      return undefined
    }
    for (const { name } of others) removeIfThere(files, join(directory, name))
    // Of one who is writing it now it may be taken away as well: without it that one gives up.
    for (const name of files.list(directory)) if (TEMPORARY.test(name)) removeIfThere(files, join(directory, name))
  } catch (error) {
    release()
    throw error
  }
  return { renew: () => renew(files, path, now()), release }
}

function renew(files: SpoolFiles, path: string, now: number): boolean {
  try {
    files.touch(path, now)
    return true
  } catch (error) {
    return codeOf(error) !== 'ENOENT'
  }
}

interface OtherLock {
  readonly name: string
  readonly live: boolean
}

function otherLocks(directory: string, own: string, rules: LockRules): OtherLock[] {
  const names = rules.files.list(directory).filter((name) => NAME.test(name) && name !== own)
  return names.map((name) => ({ name, live: isLive(join(directory, name), rules) }))
}

function isLive(path: string, { files, owners, now, leaseMs }: LockRules): boolean {
  try {
    const owner = readLock(files, path)
    if (owner !== undefined && owner.place === owners.self().place) return owners.lives(owner)
    return now() - files.modifiedAt(path) <= leaseMs
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/* Complete and on the disk before it has its name, so that nobody finds half of it, not even after a power failure. */
function writeLock(files: SpoolFiles, path: string, owner: Owner): void {
  const text = Buffer.from(`${JSON.stringify({ v: VERSION, ...owner })}\n`)
  const temporary = `${path}.tmp`
  const file = files.open(temporary, 'make')
  try {
    for (let written = 0; written < text.length; ) {
      const more = files.write(file, text, written, text.length - written, written)
      if (more === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' })
      written += more
    }
    files.sync(file)
  } catch (error) {
    removeIfThere(files, temporary)
    throw error
  } finally {
    files.close(file)
  }
  files.rename(temporary, path)
}

const MAX_BYTES = 4096

/* Undefined for a lock that is not readable, which then holds as long as its lease. */
function readLock(files: SpoolFiles, path: string): Owner | undefined {
  const file = files.open(path, 'read')
  try {
    const bytes = Buffer.alloc(MAX_BYTES)
    const { pid, started, place } = JSON.parse(bytes.toString('utf8', 0, files.read(file, bytes, MAX_BYTES, 0))) as Partial<Owner>
    return Number.isInteger(pid) && typeof place === 'string' ? { pid: pid as number, started, place } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  } finally {
    files.close(file)
  }
}

function removeIfThere(files: SpoolFiles, path: string): void {
  try {
    files.remove(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
