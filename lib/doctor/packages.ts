import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { thisFile } from '../internal/runtime'

/** What a package.json says. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The files of CommonJS modules that are loaded in this thread; those of pure ES modules nobody can ask for. */
export function loadedFiles(): readonly string[] {
  return Object.keys(createRequire(join(process.cwd(), 'doctor.js')).cache)
}

/** Which of `names` have a CommonJS module that is loaded. */
export function loadedPackages(names: readonly string[]): readonly string[] {
  const files = loadedFiles().map((file) => file.replaceAll('\\', '/'))
  return names.filter((name) => files.some((file) => file.includes(`/node_modules/${name}/`)))
}

/** The files of the kit that are loaded as ways into it, without `.js`: `express`, `pino`, ... */
export function loadedDoors(): ReadonlySet<string> {
  const own = dirname(thisFile)
  const doors = loadedFiles().flatMap((file) => {
    const name = /[\\/]tracelane[\\/]dist[\\/]([a-z0-9-]+)\.js$/.exec(file)?.[1]
    return name ?? (dirname(file) === own ? [(/([a-z0-9-]+)\.js$/.exec(file) ?? [])[1] ?? ''] : [])
  })
  return new Set(doors.filter((door) => !['', 'core', 'logging', 'cli', 'doctor', 'diagnose'].includes(door)))
}

/** The package.json of `tracelane` above `file`; undefined if `file` is in a bundle. */
export function manifestAbove(file: string): Manifest | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = readManifest(folder)
    if (manifest !== undefined) return manifest.name === 'tracelane' ? manifest : undefined
  }
  return undefined
}

/** The package.json of `name` as a file in `folder` would find it; undefined if it is not installed. */
export function installed(name: string, folder: string): Manifest | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const manifest = readManifest(join(at, 'node_modules', name))
    if (manifest !== undefined) return manifest
    if (at === dirname(at)) return undefined
  }
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

/** Whether `version` is less than the least one that `range`, of the form `>=1.2.3`, allows. */
export function isBelow(version: string, range: string): boolean {
  const least = numbersOf(range)
  const given = numbersOf(version)
  const at = least.findIndex((number, i) => number !== given[i])
  return at >= 0 && (given[at] ?? 0) < (least[at] ?? 0)
}

function numbersOf(version: string): number[] {
  return (/\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)
}
