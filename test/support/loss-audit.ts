/**
 * As many lines as may come twice when a flush thread dies between its write and saying so: a batch, or where writes take long 1 MiB and the batch that
 * goes beyond it; a line has 150 bytes at least.
 */
export const WRITE_LINES = Math.ceil((2 ** 20 + 2 ** 18) / 150)

/** What is left of a program's numbered lines, as read back from where they went. */
export interface Audit {
  /** Different numbers that are there, each in a whole line. */
  readonly kept: number
  /** Lines that are no whole JSON, an unfinished last one included. */
  readonly torn: number
  /** Lines whose number, or whose (`instance`, `seq`), was there before. */
  readonly doubled: number
  /** Lines whose number is lower than one before them; doubled ones are not counted. */
  readonly outOfOrder: number
  /** The lowest number that is missing; `count` when none is. */
  readonly firstMissing: number
  /** The sum of `discarded` in the lines that announce a loss. */
  readonly announced: number
}

const NUMBER = /\bline (\d+) end\b/

/** Reads numbered lines (`line 7 end`, in JSON) back. The number of a line is below `count`. */
export function audit(text: string, count: number): Audit {
  const seen = new Uint8Array(count)
  const sequences = new Set<string>()
  const result = { kept: 0, torn: 0, doubled: 0, outOfOrder: 0, announced: 0 }
  let highest = -1
  for (const line of text.split('\n')) {
    if (line === '') continue
    const record = parsed(line)
    if (record === undefined) {
      result.torn++
      continue
    }
    const { instance, seq } = record
    const sequence = `${instance} ${seq}`
    const again = seq !== undefined && sequences.has(sequence)
    sequences.add(sequence)
    const [, digits] = NUMBER.exec(line) ?? []
    if (digits === undefined) {
      result.announced += announcedBy(record)
      continue
    }
    const i = Number(digits)
    if (seen[i] === 1 || again) result.doubled++
    else if (i < highest) result.outOfOrder++
    if (seen[i] === 0) result.kept++
    seen[i] = 1
    highest = Math.max(highest, i)
  }
  // A last line without its line feed is torn, whatever it says: the next writer goes on right behind it.
  if (text !== '' && !text.endsWith('\n') && parsed(text.slice(text.lastIndexOf('\n') + 1)) !== undefined) result.torn++
  const firstMissing = seen.indexOf(0)
  return { ...result, firstMissing: firstMissing === -1 ? count : firstMissing }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function announcedBy({ discarded }: Record<string, unknown>): number {
  if (typeof discarded !== 'object' || discarded === null) return 0
  return Object.values(discarded).reduce((sum: number, n) => sum + (typeof n === 'number' ? n : 0), 0)
}
