import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** One process, so that it can be told from a later one with its number. */
export interface Owner {
  readonly pid: number
  /** When it started, in the system's own measure; undefined where the system does not tell. */
  readonly started: string | undefined
  /** Where its number means it: host, boot and process namespace. A container is a place of its own. */
  readonly place: string
}

/** Who we are, and whether an owner in our place still lives. Tests have processes of their own making. */
export interface Owners {
  self(): Owner
  lives(owner: Owner): boolean
}

const START_FIELD = 19
const NAME_END = ') '

function started(pid: number | 'self'): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program, in parentheses, may have blanks and parentheses in it.
    return stat.slice(stat.lastIndexOf(NAME_END) + NAME_END.length).split(' ')[START_FIELD]
  } catch {
    return undefined
  }
}

function textOf(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}

/** The processes of this system. */
export const systemOwners: Owners = Object.freeze({
  self(): Owner {
    const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'))
    const namespace = textOf(() => readlinkSync('/proc/self/ns/pid'))
    return { pid: process.pid, started: started('self'), place: [hostname(), boot, namespace].join(' ') }
  },
  lives(owner: Owner): boolean {
    try {
      process.kill(owner.pid, 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    }
    const now = started(owner.pid)
    return now === undefined || owner.started === undefined || now === owner.started
  },
})
