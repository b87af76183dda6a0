import { join, resolve } from 'node:path'
import { crypto } from '../internal/builtin'
import { checkOptions, type Rule, rules } from '../internal/options'
import { type Lock, type LockRules, lockDirectory } from './lock'
import { type Owners, systemOwners } from './owner'
import { listSegments } from './segment-name'
import { codeOf, messageOf, nodeFiles, type SpoolFiles } from './spool-files'

/** Options of `claimSpool` and `claimAbandonedSpool`. */
export interface SpoolClaimOptions {
  /** The directory in which all appenders, of this and of other processes, have a directory each. */
  readonly base: string
  /** The name of the appender: letters, digits, `.`, `_` and `-`, at most 64. A spool goes to the next appender of its name. */
  readonly name: string
  /**
   * After how many milliseconds without `renew()` an owner is taken for dead who cannot be asked, because it runs in another container or on another
   * host; 1000 to 86400000. More than clocks differ.
   * @default 60000
   */
  readonly leaseMs?: number
  /** The system calls. @default those of node:fs */
  readonly files?: SpoolFiles
  /** Processes. @default those of this system */
  readonly owners?: Owners
  /** The time in milliseconds. @default Date.now */
  readonly now?: () => number
}

/** A directory that is ours until `release()`, or why there is none. `busy`: others took all that were tried; `none`: no spool is abandoned. */
export type SpoolClaim =
  | {
      readonly claimed: true
      /** For `openSpoolWriter` and `openSpoolReader`. */
      readonly directory: string
      /** To be called at least three times in `leaseMs`; false: another process has taken the spool over, so stop using it. Never throws. */
      renew(): boolean
      /** Gives the directory back, after writer and reader are closed; one without segments is removed. Never throws. */
      release(): void
    }
  | { readonly claimed: false; readonly reason: 'busy' | 'none'; readonly message: string }
  | { readonly claimed: false; readonly reason: 'disk'; readonly code: string; readonly message: string }

const NAME = /^[A-Za-z0-9._-]{1,64}$/
const MAX_LEASE_MS = 86_400_000
const NEW_DIRECTORIES = 8
const nameRule: Rule = (value) =>
  typeof value === 'string' && NAME.test(value)
    ? undefined
    : 'a name of at most 64 letters, digits, dots, underscores and hyphens'
const object: Rule = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object')
const KNOWN = {
  base: rules.string,
  name: nameRule,
  leaseMs: rules.integer(1000, MAX_LEASE_MS),
  files: object,
  owners: object,
  now: rules.function,
}

interface Resolved extends LockRules {
  readonly base: string
  readonly name: string
}

function resolveOptions(owner: string, options: SpoolClaimOptions): Resolved {
  checkOptions(owner, options, KNOWN, ['base', 'name'])
  const { base, name, leaseMs = 60_000, files = nodeFiles, owners = systemOwners, now = Date.now } = options
  return { base: resolve(base), name, leaseMs, files, owners, now }
}

/**
 * Claims a spool of one appender for this process: one that nobody alive owns, so that what a killed process left there is found, else a new one. Throws
 * ERR_TRACELANE_OPTION_* for wrong options, else nothing.
 */
export function claimSpool(options: SpoolClaimOptions): SpoolClaim {
  const resolved = resolveOptions('claimSpool', options)
  return attempt(() => {
    resolved.files.makeDirectory(resolved.base)
    for (const directory of spoolsOf(resolved)) {
      const claim = claimOne(directory, resolved)
      if (claim !== undefined) return claim
    }
    for (let i = 0; i < NEW_DIRECTORIES; i++) {
      const directory = join(resolved.base, newName(resolved))
      resolved.files.makeDirectory(directory)
      const claim = claimOne(directory, resolved)
      if (claim !== undefined) return claim
    }
    return { claimed: false, reason: 'busy', message: `all spools '${resolved.name}' in ${resolved.base} belong to others` }
  })
}

/**
 * Claims a spool of one appender in which there are records and that nobody alive owns: there may be more of them than processes, after one has died. Throws
 * ERR_TRACELANE_OPTION_* for wrong options, else nothing.
 */
export function claimAbandonedSpool(options: SpoolClaimOptions): SpoolClaim {
  const resolved = resolveOptions('claimAbandonedSpool', options)
  return attempt(() => {
    for (const directory of spoolsOf(resolved)) {
      if (listSegments(resolved.files, directory).segments.length === 0) continue
      const claim = claimOne(directory, resolved)
      if (claim !== undefined) return claim
    }
    return { claimed: false, reason: 'none', message: `no spool '${resolved.name}' in ${resolved.base} is abandoned` }
  })
}

/** Claims the spool in `directory`, whatever its name. Never throws. */
export function claimSpoolDirectory(directory: string, leaseMs = 60_000): SpoolClaim {
  const rules = { files: nodeFiles, owners: systemOwners, now: Date.now, leaseMs }
  return attempt(
    () =>
      claimOne(resolve(directory), rules) ?? {
        claimed: false,
        reason: 'busy',
        message: `${directory} belongs to a running process`,
      },
  )
}

function attempt(act: () => SpoolClaim): SpoolClaim {
  try {
    return act()
  } catch (error) {
    return { claimed: false, reason: 'disk', code: codeOf(error), message: messageOf(error) }
  }
}

/* orders.018f3c2b9d4e5a6b7c8d: the time, so that older ones come first, and random digits. */
function newName({ name, now }: Resolved): string {
  return `${name}.${Math.trunc(now()).toString(16).padStart(12, '0')}${crypto().randomBytes(4).toString('hex')}`
}

/* Each process begins at another place, so that many that start at once do not all want the same. */
function spoolsOf({ base, name, files, owners }: Resolved): string[] {
  const pattern = /^\.[0-9a-f]{20}$/
  const names = files.list(base).filter((entry) => entry.startsWith(name) && pattern.test(entry.slice(name.length)))
  names.sort()
  const first = names.length === 0 ? 0 : owners.self().pid % names.length
  return [...names.slice(first), ...names.slice(0, first)].map((entry) => join(base, entry))
}

function claimOne(directory: string, rules: LockRules): SpoolClaim | undefined {
  let lock: Lock | undefined
  try {
    lock = lockDirectory(directory, rules)
  } catch (error) {
    // Removed by its last owner in this moment.
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  if (lock === undefined) return undefined
  const { renew, release } = lock
  return { claimed: true, directory, renew, release: () => leave(directory, rules.files, release) }
}

function leave(directory: string, files: SpoolFiles, release: () => void): void {
  try {
    const empty = listSegments(files, directory).segments.length === 0
    // While it is still ours: the next owner has a cursor of its own.
    if (empty) for (const name of files.list(directory)) if (name.startsWith('cursor.')) files.remove(join(directory, name))
    release()
    if (empty) files.removeDirectory(directory)
  } catch {
    // Whoever comes next finds a lock of a dead process, or a directory that is not empty.
  }
}
