import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MIB = 2 ** 20

/** A file system of its own that is nearly full until `free()`. Needs root, and a kernel that lets root mount. */
export class SmallDisk {
  readonly folder: string
  readonly #filler: string

  /** Mounts `sizeMib` MiB at `folder`, of which `freeBytes` are left; undefined where that is not possible. */
  static mount(folder: string, sizeMib: number, freeBytes: number): SmallDisk | undefined {
    mkdirSync(folder, { recursive: true })
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=777`, 'tmpfs', folder], {
      stdio: 'ignore',
    })
    return status === 0 ? new SmallDisk(folder, sizeMib * MIB - freeBytes) : undefined
  }

  private constructor(folder: string, filled: number) {
    this.folder = folder
    this.#filler = join(folder, 'filler')
    writeFileSync(this.#filler, Buffer.alloc(filled))
  }

  /** Makes room. */
  free(): void {
    rmSync(this.#filler)
  }

  /** Takes it away, with all that is on it. */
  unmount(): void {
    spawnSync('umount', ['--lazy', this.folder], { stdio: 'ignore' })
  }
}

/* As root every folder can be written to, unless this capability is dropped. */
const WITHOUT_OVERRIDE = ['--bounding-set', '-dac_override,-dac_read_search']

/** A command, to put before another, that makes permissions count for it; undefined where there is no such thing. */
export function obeyingPermissions(): readonly string[] | undefined {
  if (process.getuid?.() !== 0) return []
  const works = spawnSync('setpriv', [...WITHOUT_OVERRIDE, 'true'], { stdio: 'ignore' }).status === 0
  return works ? ['setpriv', ...WITHOUT_OVERRIDE] : undefined
}
