import { readdirSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ArchiveName, FilePattern } from './file-pattern'

/** A file that was found on the disk under a name of the pattern, or whatever else has that name. */
export interface Archive extends ArchiveName {
  readonly path: string
}

/** What is kept of finished files; undefined: all. */
export interface Retention {
  readonly maxHistory: number | undefined
  readonly totalSizeCapBytes: number | undefined
}

/** All files of `pattern`, the newest first, by their names: a clock that was wrong does not make a file younger. */
export function archivesOf(pattern: FilePattern): Archive[] {
  const found: Archive[] = []
  look(pattern, pattern.root, [], found)
  return sorted(found)
}

/** Puts files in order, the newest first. */
export function sorted(archives: Archive[]): Archive[] {
  return archives.sort((a, b) => b.ordinal - a.ordinal || b.index - a.index)
}

function look(pattern: FilePattern, folder: string, above: readonly string[], found: Archive[]): void {
  const part = pattern.parts[above.length]
  if (part === undefined) return
  for (const name of namesIn(folder)) {
    if (!part.test(name)) continue
    const segments = [...above, name]
    const path = join(folder, name)
    if (segments.length < pattern.parts.length) {
      look(pattern, path, segments, found)
      continue
    }
    const archive = pattern.read(segments)
    // Whatever has the name takes its index, a folder too.
    if (archive !== undefined) found.push({ ...archive, path })
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** How large a file is; undefined for what is none, or not there. */
export function fileSize(path: string): number | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat?.isFile() === true ? stat.size : undefined
  } catch {
    return undefined
  }
}

/** The lowest index that none of the files of `period` has, nor had as far as can be seen. */
export function nextIndex(archives: readonly Archive[], period: string, first: number): number {
  return archives.reduce((next, file) => (file.period === period ? Math.max(next, file.index + 1) : next), first)
}

/** Which of `archives`, newest first, are to be removed; `now` is the ordinal of the present period. */
export function expired(
  archives: readonly Archive[],
  { maxHistory, totalSizeCapBytes }: Retention,
  now: number | undefined,
): Archive[] {
  let total = 0
  let full = false
  return archives
    .filter(({ form }) => form !== 'unfinished')
    .filter((file, place) => {
      if (totalSizeCapBytes !== undefined) total += fileSize(file.path) ?? 0
      // Once one has to go, all that are older go: what stays has no gaps.
      full ||= totalSizeCapBytes !== undefined && total > totalSizeCapBytes
      if (full) return true
      if (maxHistory === undefined) return false
      return now === undefined ? place >= maxHistory : now - file.ordinal > maxHistory
    })
}

/** Removes files, and folders below `root` that are empty then. What cannot be removed now is tried again the next time. */
export function remove(paths: readonly string[], root: string): void {
  for (const path of paths) {
    try {
      unlinkSync(path)
      for (let folder = dirname(path); folder.length > root.length; folder = dirname(folder)) rmdirSync(folder)
    } catch {
      // Not empty, not allowed, or somebody was faster.
    }
  }
}
