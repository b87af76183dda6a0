import { LEVELS, type Level, SEVERITY } from '../event'
import { FRAME, type FrameContent, HEADER_BYTES, padded, ROW, TRACE_ID_BYTES, WORD_BYTES } from './ring'

const NO_COLUMNS = new Float64Array(0)
const LEVEL_OF = new Map(LEVELS.map((level) => [SEVERITY[level], level]))

/** Bytes of the frame that stands for a line that is too large for the ring. */
export const OUTSIDE_FRAME_BYTES = padded(HEADER_BYTES + ROW.words * WORD_BYTES + TRACE_ID_BYTES)

/** What a frame says of the only event in it. */
export interface OneEvent {
  readonly level: Level
  readonly seq: number
  readonly traceId: string | undefined
  readonly flags: number
}

/** A frame of one line. */
export function lineFrame({ level, seq, traceId, flags }: OneEvent, line: string): FrameContent {
  const severity = SEVERITY[level]
  return {
    ...{ kind: FRAME.lines, flags, events: 1, firstSeq: seq, severity, payload: 0 },
    ...{ rows: Int32Array.of(line.length, severity, 0, traceId === undefined ? -1 : 0), rowWords: ROW.words },
    ...{ columns: NO_COLUMNS, dictionary: traceId ?? '', text: line },
  }
}

/** A frame that stands for one line that is too large for the ring. */
export function outsideFrame(event: OneEvent, payload: number): FrameContent {
  return { ...lineFrame(event, ''), kind: FRAME.outside, payload }
}

/** The level of each event of a batch; of captured events, which have no rows, the highest one. */
export function levelsOf({ events, rows, rowWords, severity }: FrameContent): Level[] {
  return Array.from({ length: events }, (_, i) => {
    const found = rowWords === 0 ? severity : (rows[i * rowWords + ROW.severity] as number)
    return LEVEL_OF.get(found) as Level
  })
}
