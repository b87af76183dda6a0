import type { BatchEvent, SinkBatch } from '../../lib/sinks'

/** Whose lines they are, if nothing else is said. */
export const INSTANCE = 'a1b2c3d4e5f60718'

/** One line for `batchOf`. */
export interface Line {
  readonly text: string
  readonly seq: number
  readonly traceId?: string
}

/** A batch as the sending core makes it. */
export function batchOf(lines: readonly Line[], instance = INSTANCE): SinkBatch {
  const rows: BatchEvent[] = []
  let at = 0
  for (const { text, seq, traceId } of lines) {
    const end = at + Buffer.byteLength(text) + 1
    rows.push({ start: at, end, severity: 9, seq, traceId })
    at = end
  }
  const bytes = Buffer.from(lines.map(({ text }) => `${text}\n`).join(''))
  return { lines: bytes, events: lines.length, id: `${instance}-${lines[0]?.seq}`, instance, rows: () => rows }
}
