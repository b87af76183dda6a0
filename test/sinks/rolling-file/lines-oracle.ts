import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** What a rolling file has left in a folder, read back byte by byte. */
export interface Found {
  /** How many whole lines each file has. */
  readonly files: Readonly<Record<string, number>>
  /** The numbers of all lines, file by file. */
  readonly numbers: readonly number[]
  /** What is wrong: torn lines, lines of nobody, a file with lines in a wrong order. */
  readonly wrong: readonly string[]
  /** The bytes of each file, not compressed. */
  readonly bytes: Readonly<Record<string, number>>
}

const LOCK = /\.lock$/

/** The files below `folder`, by their path there, without locks. */
export function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return entries
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .filter((name) => !LOCK.test(name))
    .sort()
}

/** Reads all lines of all files but those of `others`. A line has its number as `"n":"000012"`, from six to eight digits. */
export function readBack(folder: string, others: ReadonlySet<string>): Found {
  const files: Record<string, number> = {}
  const bytes: Record<string, number> = {}
  const wrong: string[] = []
  const numbers: number[] = []
  for (const name of filesIn(folder).filter((file) => !others.has(file))) {
    const raw = readFileSync(join(folder, name))
    const text = (name.endsWith('.gz') ? gunzipSync(raw) : raw).toString()
    const lines = text.split('\n')
    if (lines.pop() !== '') wrong.push(`${name} ends in the middle of a line`)
    const own = lines.map((line) => Number(/"n":"(\d{6,8})".*[}#]$/.exec(line)?.[1]))
    if (own.some(Number.isNaN)) wrong.push(`${name} has a torn line`)
    if (own.some((n, i) => i > 0 && n <= (own[i - 1] as number))) wrong.push(`${name} has lines in a wrong order`)
    files[name] = lines.length
    bytes[name] = Buffer.byteLength(text)
    numbers.push(...own)
  }
  return { files, numbers, wrong, bytes }
}
