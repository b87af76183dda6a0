import { existsSync, readFileSync } from 'node:fs'

/** The lines of a file of JSON lines; throws if there is no such file, or a line is torn. */
export function jsonLinesOf<T = Record<string, unknown>>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  if (lines.pop() !== '') throw new Error(`the last line of ${file} is torn`)
  return lines.map((line) => JSON.parse(line) as T)
}

/** The message of each line of a file of JSON lines; none if there is no file yet. */
export function messagesIn(file: string): string[] {
  return existsSync(file) ? jsonLinesOf<{ msg: string }>(file).map(({ msg }) => msg) : []
}
