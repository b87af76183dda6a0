import { dirname } from 'node:path'
import type { OpenMode, SpoolFiles } from '../../lib/spool'

interface Inode {
  /** As programs see it. */
  data: Buffer
  /** As it was at the last fsync. */
  synced: Buffer
}

type Change = { readonly set: string; readonly inode: Inode } | { readonly unset: string }

/** What happens at one system call. `short`: a write or read of half the bytes. `torn`: half a write, then EIO. The crashes end the process.
 * `restart` says whether the power fails as well. */
export type Fault = 'short' | 'torn' | 'ENOSPC' | 'EIO' | 'EROFS' | 'crash-before' | 'crash-within' | 'crash-after'

export const FAULTS: readonly Fault[] = ['short', 'torn', 'ENOSPC', 'EIO', 'EROFS', 'crash-before', 'crash-within', 'crash-after']

const BLOCK = 32

function failure(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code })
}

/**
 * A disk in memory that fails on request. It forgets in a power failure what was not synced: bytes of files in any mixture of old, new and zero
 * blocks; names from some change on.
 */
export class SimulatedDisk implements SpoolFiles {
  /** How many system calls there were. */
  calls = 0
  /** Whether the process has crashed; then no call does anything any more. */
  crashed = false
  /** The faults that were met. */
  readonly met: Fault[] = []
  #names = new Map<string, Inode>()
  #durable = new Map<string, Inode>()
  #changes: Change[] = []
  readonly #directories = new Set<string>()
  #handles = new Map<number, Inode>()
  #nextHandle = 3
  #armed: { readonly at: number; readonly fault: Fault } | undefined

  /** The call that is `ahead` calls from now fails. */
  arm(ahead: number, fault: Fault): void {
    this.#armed = { at: this.calls + ahead, fault }
  }

  disarm(): void {
    this.#armed = undefined
  }

  get openHandles(): number {
    return this.#handles.size
  }

  /** The names of files. */
  get paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  /** The content of a file, which may be changed in place. */
  content(path: string): Buffer {
    return this.#at(path).data
  }

  put(path: string, data: Buffer): void {
    this.#names.set(path, { data, synced: data })
    this.#durable.set(path, { data, synced: data })
  }

  /** The process ended and a new one starts. With `random`, numbers from 0 to 1, the power failed as well. */
  restart(random?: () => number): void {
    this.crashed = false
    this.#handles.clear()
    if (random === undefined) return
    const kept = Math.floor(random() * (this.#changes.length + 1))
    for (const change of this.#changes.slice(0, kept)) apply(this.#durable, change)
    for (const inode of new Set(this.#durable.values())) inode.data = inode.synced = leftOf(inode, random)
    this.#names = new Map(this.#durable)
    this.#changes = []
  }

  open(path: string, mode: OpenMode): number {
    return this.#call(() => {
      if (mode === 'make') {
        if (this.#names.has(path)) throw failure('EEXIST')
        this.#change({ set: path, inode: { data: Buffer.alloc(0), synced: Buffer.alloc(0) } })
      }
      this.#handles.set(this.#nextHandle, this.#at(path))
      return this.#nextHandle++
    })
  }

  read(file: number, into: Uint8Array, length: number, position: number): number {
    return this.#call((share) => {
      const data = this.#of(file).data.subarray(position, position + Math.ceil(length * share))
      into.set(data)
      return data.length
    })
  }

  write(file: number, bytes: Uint8Array, from: number, length: number, position: number): number {
    return this.#call((share) => {
      const inode = this.#of(file)
      const written = Math.ceil(length * share)
      const data = Buffer.alloc(Math.max(inode.data.length, position + written))
      inode.data.copy(data)
      data.set(bytes.subarray(from, from + written), position)
      inode.data = data
      return written
    }, true)
  }

  truncate(file: number, length: number): void {
    this.#call(() => {
      const inode = this.#of(file)
      inode.data = Buffer.from(inode.data.subarray(0, length))
    })
  }

  sync(file: number): void {
    this.#call(() => {
      const inode = this.#of(file)
      inode.synced = Buffer.from(inode.data)
    })
  }

  size(file: number): number {
    return this.#call(() => this.#of(file).data.length)
  }

  sizeAt(path: string): number {
    return this.#call(() => this.#at(path).data.length)
  }

  isLinked(file: number): boolean {
    return this.#call(() => [...this.#names.values()].includes(this.#of(file)))
  }

  close(file: number): void {
    // A descriptor is released even if close(2) fails.
    if (!this.crashed && !this.#handles.delete(file)) throw failure('EBADF')
    this.#call(() => {})
  }

  rename(from: string, to: string): void {
    this.#call(() => {
      this.#change({ set: to, inode: this.#at(from) })
      this.#change({ unset: from })
    })
  }

  remove(path: string): void {
    this.#call(() => {
      this.#at(path)
      this.#change({ unset: path })
    })
  }

  list(directory: string): string[] {
    return this.#call(() => {
      const below = [...this.#names.keys(), ...this.#directories].filter((path) => path.startsWith(`${directory}/`))
      return [...new Set(below.map((path) => path.slice(directory.length + 1).split('/')[0] as string))]
    })
  }

  makeDirectory(directory: string): void {
    this.#call(() => void this.#directories.add(directory))
  }

  removeDirectory(directory: string): void {
    this.#call(() => {
      if (this.paths.some((path) => dirname(path) === directory)) throw failure('ENOTEMPTY')
      this.#directories.delete(directory)
    })
  }

  syncDirectory(): void {
    this.#call(() => {
      for (const change of this.#changes) apply(this.#durable, change)
      this.#changes = []
    })
  }

  modifiedAt(path: string): number {
    return this.#call(() => this.#at(path).data.length * 0)
  }

  touch(path: string): void {
    this.#call(() => void this.#at(path))
  }

  #call<T>(act: (share: number) => T, canTear = false): T {
    if (this.crashed) throw failure('ECRASHED')
    this.calls++
    const fault = this.#armed?.at === this.calls ? this.#armed.fault : undefined
    if (fault === undefined) return act(1)
    this.#armed = undefined
    this.met.push(fault)
    if (fault === 'short') return act(0.5)
    if (canTear && (fault === 'torn' || fault === 'crash-within')) act(0.5)
    if (fault === 'crash-after') act(1)
    this.crashed = fault.startsWith('crash')
    throw failure(this.crashed ? 'ECRASHED' : fault === 'torn' ? 'EIO' : fault)
  }

  #change(change: Change): void {
    apply(this.#names, change)
    this.#changes.push(change)
  }

  #at(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw failure('ENOENT')
    return inode
  }

  #of(file: number): Inode {
    const inode = this.#handles.get(file)
    if (inode === undefined) throw failure('EBADF')
    return inode
  }
}

function apply(names: Map<string, Inode>, change: Change): void {
  if ('unset' in change) names.delete(change.unset)
  else names.set(change.set, change.inode)
}

/* What a power failure leaves of a file. */
function leftOf({ data, synced }: Inode, random: () => number): Buffer {
  if (data.equals(synced)) return synced
  const [short, long] = [Math.min(data.length, synced.length), Math.max(data.length, synced.length)]
  const left = Buffer.alloc(short + Math.round(random() * (long - short)))
  for (let at = 0; at < left.length; at += BLOCK) {
    const block = (from: Buffer): Buffer => from.subarray(at, Math.min(at + BLOCK, left.length))
    // What was synced is there, as it was or as it was overwritten: a disk writes blocks whole.
    const choice = block(data).equals(block(synced)) ? 0 : random()
    if (choice < 0.5) left.set(block(synced), at)
    else if (choice < 0.85 || at < synced.length) left.set(block(data), at)
  }
  return left
}
