import type { TraceLine } from './trace-line'

/* Sorts after every clock. */
const LAST = 'g'

interface Keyed {
  readonly line: TraceLine
  key: string
}

/**
 * Lines of one trace in causal order, each event once.
 *
 * 1. A line with a hybrid logical clock (`hlc`) sorts by it, as text. A line that was written because of another always
 *    comes later, however far the wall clocks of the services are apart.
 * 2. A line without a clock comes right after the previous line of its file. In a file (or before the first line of a file) that has
 *    no clock at all it is placed by its wall-clock time, but never before the previous line of its file.
 * 3. A line without clock and time comes before the next line of its file, and at the end if there is none.
 * 4. Equal clocks are concurrent events; they keep the order of the files given, then the position in the file.
 *
 * Two lines with the same `instance` and `seq` are one event that was delivered twice; the first is kept.
 */
export function orderLines(lines: readonly TraceLine[]): TraceLine[] {
  const keyed: Keyed[] = []
  for (const file of byFile(withoutDuplicates(lines)).values()) keyed.push(...withKeys(file))
  return keyed.sort(compare).map(({ line }) => line)
}

function withoutDuplicates(lines: readonly TraceLine[]): TraceLine[] {
  const seen = new Set<string>()
  return lines.filter(({ instance, seq }) => {
    if (instance === undefined || seq === undefined) return true
    const name = `${instance} ${seq}`
    return !seen.has(name) && seen.add(name)
  })
}

function byFile(lines: readonly TraceLine[]): Map<number, TraceLine[]> {
  const files = new Map<number, TraceLine[]>()
  for (const line of lines) {
    const file = files.get(line.source.index)
    if (file === undefined) files.set(line.source.index, [line])
    else file.push(line)
  }
  return files
}

function withKeys(file: readonly TraceLine[]): Keyed[] {
  const keyed: Keyed[] = []
  let previous = ''
  let clocked = false
  for (const line of file) {
    const own = line.hlc ?? (clocked ? '' : clockOfTime(line.time))
    const key = line.hlc !== undefined || own > previous ? own : previous
    keyed.push({ line, key })
    previous = key
    clocked ||= line.hlc !== undefined
  }
  // What has no clock must not pass the next line that has one: its wall-clock time may be far off the clock's.
  let next = LAST
  for (const item of keyed.toReversed()) {
    if (item.line.hlc === undefined && (item.key === '' || item.key > next)) item.key = next
    next = item.key
  }
  return keyed
}

function clockOfTime(time: number | undefined): string {
  return time === undefined ? '' : `${Math.floor(time).toString(16).padStart(12, '0')}0000`
}

function compare(a: Keyed, b: Keyed): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return a.line.source.index - b.line.source.index || a.line.source.offset - b.line.source.offset
}
