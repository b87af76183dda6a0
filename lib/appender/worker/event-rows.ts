import { capturedRows } from '../../layout'
import { type BatchEvent, rowOfLine } from '../../sinks'
import { FRAME, type Frame, ROW, TRACE_ID_BYTES } from '../ring'

const NEW_LINE = 0x0a

/** The events of a frame one by one; `lines` is what it has become, and begins at `base` of what the places of the events are counted in. */
export function rowsOfFrame(frame: Frame, lines: Uint8Array, base = 0): readonly BatchEvent[] {
  if (frame.kind !== FRAME.captured) return rowsOfWords(frame, lines, base)
  const { dictionary, columns, events, firstSeq } = frame
  let at = 0
  return capturedRows(dictionary, columns, events, (i, severity, seq, traceId): BatchEvent => {
    const start = at
    at = lines.indexOf(NEW_LINE, start) + 1
    if (severity === 0) return moved(rowOfLine(lines, start, at, firstSeq + i), base)
    return { start: start + base, end: at + base, severity, seq: seq ?? firstSeq + i, traceId }
  })
}

/** A row of lines that begin at `base` of something larger. */
export function moved({ start, end, severity, seq, traceId }: BatchEvent, base: number): BatchEvent {
  return { start: start + base, end: end + base, severity, seq, traceId }
}

/* Rows say how long lines are in UTF-16 units; a line may have line breaks in it. */
function rowsOfWords(frame: Frame, lines: Uint8Array, base: number): BatchEvent[] {
  const { events, rows, rowWords, dictionary, firstSeq, kind } = frame
  const found: BatchEvent[] = []
  // As many units as bytes: each is one byte.
  let units = 0
  for (let i = 0; i < events; i++) units += rows[i * rowWords + ROW.length] as number
  const isAscii = units === lines.length
  let start = 0
  for (let i = 0; i < events; i++) {
    const at = i * rowWords
    const trace = rows[at + ROW.trace] as number
    // A line that is too large for the ring is alone in its frame, which does not know how long it is.
    const length = rows[at + ROW.length] as number
    const end = kind === FRAME.outside ? lines.length : isAscii ? start + length : afterUnits(lines, start, length)
    found.push({
      start: start + base,
      end: end + base,
      severity: rows[at + ROW.severity] as number,
      seq: firstSeq + (rows[at + ROW.seq] as number),
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
