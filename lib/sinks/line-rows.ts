import { LEVELS, SEVERITY } from '../event'
import type { BatchEvent } from './sink'

const NEW_LINE = 0x0a
const NO_TRACE = /^0*$/
const LEVEL_SEVERITY: ReadonlyMap<unknown, number> = new Map(LEVELS.map((level) => [level, SEVERITY[level]]))

/**
 * The events of lines that come without a frame. If these are not one line for each event, nobody knows any more where one ends: then they are
 * one row.
 */
export function rowsOfLines(lines: Uint8Array, events: number, firstSeq: number): readonly BatchEvent[] {
  const ends = lineEnds(lines)
  if (ends.length !== events) return [{ start: 0, end: lines.length, severity: SEVERITY.info, seq: firstSeq, traceId: undefined }]
  return ends.map((end, i) => rowOfLine(lines, ends[i - 1] ?? 0, end, firstSeq + i))
}

/** Where each line ends, its break included. */
export function lineEnds(lines: Uint8Array): number[] {
  const ends: number[] = []
  for (let at = lines.indexOf(NEW_LINE); at !== -1; at = lines.indexOf(NEW_LINE, at + 1)) ends.push(at + 1)
  return ends
}

/** A finished line says itself what it is, if it is JSON of the layouts json, otel or ecs, or of pino; `seq` if it does not say that. */
export function rowOfLine(lines: Uint8Array, start: number, end: number, seq: number): BatchEvent {
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
