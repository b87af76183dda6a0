import { type Level, SEVERITY } from '../../event'
import { BETWEEN_ENTRIES, BETWEEN_SECTIONS, COLUMN, SLOT, SPAN_ID_LENGTH, slotText, TRACE_ID_LENGTH } from './format'

const TRACE_LENGTH = TRACE_ID_LENGTH + SPAN_ID_LENGTH
/* The beginning of each template that is not a finished line; see statements.ts. */
const BEFORE_LEVEL = `{"time":${slotText('time')},"level":"`

/** What the columns of a captured event say of it, without its line. */
export interface CapturedRow {
  readonly severity: number
  /** Undefined without `ordering`: then nothing but the line order says it. */
  readonly seq: number | undefined
  readonly traceId: string | undefined
}

/* What the rows of one template have in common. */
interface RowKind {
  readonly columns: number
  readonly severity: number
  readonly hasSeq: boolean
  readonly hasTrace: boolean
}

/**
 * What each of `count` captured events is, as `CaptureCodec.end` has them; undefined for those that were captured as finished lines, which say it
 * themselves.
 */
export function capturedRows(dictionary: Uint8Array, rows: Float64Array, count: number): (CapturedRow | undefined)[] {
  const bytes = Buffer.from(dictionary.buffer, dictionary.byteOffset, dictionary.length)
  const mdcsFrom = bytes.indexOf(BETWEEN_SECTIONS) + 1
  const traces = bytes.toString('latin1', bytes.indexOf(BETWEEN_SECTIONS, mdcsFrom) + 1)
  const kinds = bytes
    .toString('utf8', 0, mdcsFrom - 1)
    .split(BETWEEN_ENTRIES)
    .map(kindOf)
  const found: (CapturedRow | undefined)[] = []
  for (let i = 0, row = 0; i < count; i++) {
    const { columns, severity, hasSeq, hasTrace } = kinds[rows[row + COLUMN.template] as number] as RowKind
    const trace = (rows[row + COLUMN.trace] as number) * TRACE_LENGTH
    found.push(
      severity === 0
        ? undefined
        : {
            severity,
            seq: hasSeq ? rows[row + COLUMN.seq] : undefined,
            traceId: hasTrace ? traces.slice(trace, trace + TRACE_ID_LENGTH) : undefined,
          },
    )
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
