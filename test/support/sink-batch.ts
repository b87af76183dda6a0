import { SEVERITY } from '../../lib/event'
import type { SinkBatch } from '../../lib/sinks'

/** A batch of `text`, one event a line, in memory that threads share; the rows say what JSON lines say. */
export function sinkBatch(text: string, id = 'abc-1'): SinkBatch {
  const bytes = Buffer.from(text)
  const lines = new Uint8Array(new SharedArrayBuffer(bytes.length))
  lines.set(bytes)
  const each = text.split(/(?<=\n)/)
  return {
    ...{ lines, events: each.length, id, instance: '0123456789abcdef' },
    rows: () => {
      let end = 0
      return each.map((line) => {
        const start = end
        end += Buffer.byteLength(line)
        const { level, seq, traceId } = JSON.parse(line) as { level?: keyof typeof SEVERITY; seq?: number; traceId?: string }
        return { start, end, severity: SEVERITY[level ?? 'info'], seq: seq ?? 0, traceId }
      })
    },
  }
}
