import type { BatchEvent } from '../sink'
import { indexAt } from './options'

const DAY_MS = 86_400_000
/* Beyond what a date can be. */
const MAX_MS = 8.64e15

/**
 * The body of a `_bulk` request: for each line the action `create`, which is what data streams take, and the document. A line that says of which instance
 * and number it is has an id made of these, so that it is there once however often it is sent.
 */
export function bulkOf(lines: Uint8Array, rows: readonly BatchEvent[], index: string): Buffer {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length)
  const indexOf = dailyIndex(index)
  const stamp = timestamps()
  let body = ''
  for (const { start, end } of rows) {
    const line = bytes.toString('utf8', start, end)
    const said = objectOf(line)
    const dated = said['@timestamp']
    const time = timeOf(typeof dated === 'string' ? Date.parse(dated) : said['time'])
    const id = idOf(said['instance'] ?? said['tracelane.instance'], said['seq'] ?? said['tracelane.seq'])
    body += `{"create":{"_index":${indexOf(time)}${id === undefined ? '' : `,"_id":${JSON.stringify(id)}`}}}\n`
    // A data stream refuses what has no time of this name.
    body += dated !== undefined || !line.startsWith('{"') ? line : `{"@timestamp":"${stamp(time)}",${line.slice(1)}`
    if (!line.endsWith('\n')) body += '\n'
  }
  return Buffer.from(body)
}

/* The index of a time, as JSON; that of the day before is looked at only. */
function dailyIndex(index: string): (time: number) => string {
  let lastDay = Number.NaN
  let text = ''
  return (time) => {
    const day = Math.floor(time / DAY_MS)
    if (day !== lastDay) {
      lastDay = day
      text = JSON.stringify(indexAt(index, time))
    }
    return text
  }
}

function timestamps(): (time: number) => string {
  let last = Number.NaN
  let text = ''
  return (time) => {
    if (time !== last) {
      last = time
      text = new Date(time).toISOString()
    }
    return text
  }
}

function timeOf(time: unknown): number {
  return typeof time === 'number' && Math.abs(time) <= MAX_MS ? time : Date.now()
}

function idOf(instance: unknown, seq: unknown): string | undefined {
  return typeof instance === 'string' && typeof seq === 'number' ? `${instance}-${seq}` : undefined
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(line) ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
