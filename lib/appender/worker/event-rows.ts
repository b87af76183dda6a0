import { capturedRows } from '../../layout'
import { type BatchEvent, lineEnds, rowOfLine } from '../../sinks'
import { FRAME, type Frame, ROW, TRACE_ID_BYTES } from '../ring'

/** The events of a frame one by one; `lines` is what it has become. */
export function rowsOfFrame(frame: Frame, lines: Uint8Array): readonly BatchEvent[] {
  if (frame.kind !== FRAME.captured) return rowsOfWords(frame, lines)
  const { dictionary, columns, events, firstSeq } = frame
  const captured = capturedRows(dictionary, columns, events)
  const ends = lineEnds(lines)
  return captured.map((row, i) => {
    const start = ends[i - 1] ?? 0
    const end = ends[i] as number
    if (row === undefined) return rowOfLine(lines, start, end, firstSeq + i)
    return { start, end, severity: row.severity, seq: row.seq ?? firstSeq + i, traceId: row.traceId }
  })
}

/* Rows say how long lines are in UTF-16 units; a line may have line breaks in it. */
function rowsOfWords({ events, rows, rowWords, dictionary, firstSeq, kind }: Frame, lines: Uint8Array): BatchEvent[] {
  const found: BatchEvent[] = []
  let start = 0
  for (let i = 0; i < events; i++) {
    const at = i * rowWords
    const trace = rows[at + ROW.trace] as number
    // A line that is too large for the ring is alone in its frame, which does not know how long it is.
    const end = kind === FRAME.outside ? lines.length : afterUnits(lines, start, rows[at + ROW.length] as number)
    found.push({
      ...{ start, end, severity: rows[at + ROW.severity] as number, seq: firstSeq + (rows[at + ROW.seq] as number) },
      traceId: trace === -1 ? undefined : dictionary.toString('latin1', trace * TRACE_ID_BYTES, (trace + 1) * TRACE_ID_BYTES),
    })
    start = end
  }
  return found
}

/* Where so many UTF-16 units of UTF-8 text end. */
function afterUnits(text: Uint8Array, from: number, units: number): number {
  let at = from
  for (let left = units; left > 0; left--) {
    const byte = text[at] as number
    if (byte < 0x80) at++
    else if (byte < 0xe0) at += 2
    else if (byte < 0xf0) at += 3
    else {
      at += 4
      left--
    }
  }
  return at
}
