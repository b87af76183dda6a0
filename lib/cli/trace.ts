import { TracelaneError } from '../errors'
import { arrangeTrace, colors, findLines, noColors, parseTraceId, renderTrace, traceDocument } from '../trace-tree'

const DEFAULT_WIDTH = 100

/** How the trace is printed. */
export interface TraceFlags {
  readonly json: boolean
  /** False: never colours; true: on a terminal. */
  readonly color: boolean
}

/** Prints one trace from `files` to stdout. Throws TracelaneError if the id is none, a file cannot be read, or no line is found. */
export async function trace(id: string, files: readonly string[], flags: TraceFlags): Promise<void> {
  const traceId = parseTraceId(id)
  const lines = await findLines(traceId, files)
  if (lines.length === 0) {
    const where = files.length === 1 ? `'${files[0]}'` : `any of the ${files.length} files`
    throw new TracelaneError('ERR_TRACELANE_TRACE_NOT_FOUND', `no line of trace ${traceId} is in ${where}`)
  }
  const arranged = arrangeTrace(traceId, lines)
  process.stdout.write(flags.json ? `${JSON.stringify(traceDocument(arranged), null, 2)}\n` : print(arranged, flags))
}

function print(arranged: ReturnType<typeof arrangeTrace>, { color }: TraceFlags): string {
  const { isTTY, columns } = process.stdout
  const paint = color && isTTY && process.stdout.hasColors() ? colors : noColors
  return `${renderTrace(arranged, { width: isTTY && columns > 0 ? columns : DEFAULT_WIDTH, paint }).join('\n')}\n`
}
