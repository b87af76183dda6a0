import { LEVELS, SEVERITY } from '../../event'
import { capturedRows } from '../../layout'
import type { BatchEvent } from '../../sinks'
import { FRAME, type Frame, ROW, TRACE_ID_BYTES } from '../ring'

const NEW_LINE = 0x0a
const NO_TRACE = /^0*$/
const LEVEL_SEVERITY: ReadonlyMap<unknown, number> = new Map(LEVELS.map((level) => [level, SEVERITY[level]]))

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

/**
 * The events of lines that come without a frame. If these are not one line for each event, nobody knows any more where one ends: then they are
 * one row.
 */
export function rowsOfLines(lines: Uint8Array, events: number, firstSeq: number): readonly BatchEvent[] {
  const ends = lineEnds(lines)
  if (ends.length !== events) return [{ start: 0, end: lines.length, severity: SEVERITY.info, seq: firstSeq, traceId: undefined }]
  return ends.map((end, i) => rowOfLine(lines, ends[i - 1] ?? 0, end, firstSeq + i))
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

function lineEnds(lines: Uint8Array): number[] {
  const ends: number[] = []
  for (let at = lines.indexOf(NEW_LINE); at !== -1; at = lines.indexOf(NEW_LINE, at + 1)) ends.push(at + 1)
  return ends
}

/* A finished line says itself what it is, if it is JSON of the layouts json, otel or ecs, or of pino. */
function rowOfLine(lines: Uint8Array, start: number, end: number, seq: number): BatchEvent {
  const line = objectOf(Buffer.from(lines.buffer, lines.byteOffset + start, end - start).toString())
  const said = line['resourceLogs'] === undefined ? line : recordOf(line)
  const number = said['seq'] ?? said['tracelane.seq']
  const traceId = said['traceId'] ?? said['trace_id'] ?? said['trace.id']
  return {
    ...{ start, end, severity: severityOf(said['level'] ?? said['log.level'] ?? said['severityText']) },
    seq: typeof number === 'number' ? number : seq,
    traceId: typeof traceId === 'string' && !NO_TRACE.test(traceId) ? traceId : undefined,
  }
}

type JsonObject = Readonly<Record<string, unknown>>

function objectOf(line: string): JsonObject {
  try {
    return (JSON.parse(line) ?? {}) as JsonObject
  } catch {
    return {}
  }
}

/* The only record of a line of the layout otel. */
function recordOf(line: JsonObject): JsonObject {
  const first = (from: JsonObject | undefined, key: string): JsonObject | undefined =>
    (from?.[key] as JsonObject[] | undefined)?.[0]
  return first(first(first(line, 'resourceLogs'), 'scopeLogs'), 'logRecords') ?? {}
}

/* Pino's numbers are from 10, trace, in steps of 10. */
function severityOf(level: unknown): number {
  if (typeof level === 'number') return Math.min(Math.max(Math.round((level / 10 - 1) * 4) + 1, 1), 24)
  return LEVEL_SEVERITY.get(typeof level === 'string' ? level.toLowerCase() : level) ?? SEVERITY.info
}
