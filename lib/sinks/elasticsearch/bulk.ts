import type { BatchEvent } from '../sink'
import { indexAt } from './options'

const NEW_LINE = Buffer.from('\n')
const FIRST_BRACE = 1

/** How documents are to be made. */
export interface BulkOptions {
  readonly index: string
  readonly layout: 'ecs' | 'json'
}

/**
 * The body of a `_bulk` request: for each line the action `create`, which is what data streams take, and the document. A line that says of which instance
 * and number it is has an id made of these, so that it is there once however often it is sent.
 */
export function bulkOf(lines: Uint8Array, rows: readonly BatchEvent[], options: BulkOptions): Buffer {
  const parts: Uint8Array[] = []
  for (const { start, end } of rows) {
    const line = Buffer.from(lines.buffer, lines.byteOffset + start, end - start)
    const { time, id, isDated } = lookAt(line)
    const index = indexAt(options.index, time)
    parts.push(Buffer.from(`${JSON.stringify({ create: { _index: index, ...(id === undefined ? {} : { _id: id }) } })}\n`))
    // A data stream refuses what has no time of this name.
    if (isDated || line[0] !== 0x7b) parts.push(line)
    else parts.push(Buffer.from(`{"@timestamp":"${new Date(time).toISOString()}",`), line.subarray(FIRST_BRACE))
    if (line.at(-1) !== 0x0a) parts.push(NEW_LINE)
  }
  return Buffer.concat(parts)
}

interface Look {
  readonly time: number
  readonly id: string | undefined
  readonly isDated: boolean
}

function lookAt(line: Buffer): Look {
  const said = objectOf(line.toString())
  const dated = said['@timestamp']
  const instance = said['instance'] ?? said['tracelane.instance']
  const seq = said['seq'] ?? said['tracelane.seq']
  const time = typeof dated === 'string' ? Date.parse(dated) : said['time']
  return {
    // Beyond what a date can be, there is none.
    time: typeof time === 'number' && Math.abs(time) <= 8.64e15 ? time : Date.now(),
    id: typeof instance === 'string' && typeof seq === 'number' ? `${instance}-${seq}` : undefined,
    isDated: dated !== undefined,
  }
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(line) ?? {}) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
