import { type Level, SEVERITY } from '../../event'
import { BETWEEN_ENTRIES, BETWEEN_SECTIONS, COLUMN, SLOT, SPAN_ID_LENGTH, slotText, TRACE_ID_LENGTH } from './format'

const TRACE_LENGTH = TRACE_ID_LENGTH + SPAN_ID_LENGTH
/* The beginning of each template that is not a finished line; see statements.ts. */
const BEFORE_LEVEL = `{"time":${slotText('time')},"level":"`

/**
 * Makes what shall stand for one captured event, of what its columns say without its line. `severity` is 0 for one that was captured as a finished line, which
 * says it itself. `seq` is undefined without `ordering`: then nothing but the line order says it.
 */
export type RowMaker<T> = (i: number, severity: number, seq: number | undefined, traceId: string | undefined) => T

/* What the rows of one template have in common. */
interface RowKind {
  readonly columns: number
  readonly severity: number
  readonly hasSeq: boolean
  readonly hasTrace: boolean
}

/** What `make` makes of each of `count` captured events, as `CaptureCodec.end` has them. */
export function capturedRows<T>(dictionary: Uint8Array, rows: Float64Array, count: number, make: RowMaker<T>): T[] {
  const bytes = Buffer.from(dictionary.buffer, dictionary.byteOffset, dictionary.length)
  const mdcsFrom = bytes.indexOf(BETWEEN_SECTIONS) + 1
  const traces = bytes.toString('latin1', bytes.indexOf(BETWEEN_SECTIONS, mdcsFrom) + 1)
  const kinds = bytes
    .toString('utf8', 0, mdcsFrom - 1)
    .split(BETWEEN_ENTRIES)
    .map(kindOf)
  const found: T[] = []
  for (let i = 0, row = 0; i < count; i++) {
    const { columns, severity, hasSeq, hasTrace } = kinds[rows[row + COLUMN.template] as number] as RowKind
    const trace = (rows[row + COLUMN.trace] as number) * TRACE_LENGTH
    const seq = hasSeq ? rows[row + COLUMN.seq] : undefined
    found.push(make(i, severity, seq, hasTrace ? traces.slice(trace, trace + TRACE_ID_LENGTH) : undefined))
    row += columns
  }
  return found
}

function kindOf(template: string): RowKind {
  let columns: number = COLUMN.slots
  for (let i = 0; i < template.length; i++) {
    const code = template.charCodeAt(i)
    if (code === SLOT.text || code === SLOT.number) columns++
  }
  const to = template.indexOf('"', BEFORE_LEVEL.length)
  const level = template.startsWith(BEFORE_LEVEL) ? (template.slice(BEFORE_LEVEL.length, to) as Level) : undefined
  return {
    columns,
    severity: level === undefined ? 0 : SEVERITY[level],
    hasSeq: template.includes(slotText('seq')),
    hasTrace: template.includes(slotText('traceId')),
  }
}
