import { TracelaneError } from '../errors'
import { orderLines } from './order'
import type { TraceLine } from './trace-line'
import { buildTree, type TraceSpan, type TreeItem } from './tree'
import { WallClocks } from './wall-clocks'

/** One trace, arranged. */
export interface Trace {
  readonly traceId: string
  /** The names of the services, in the order in which the trace reached them. */
  readonly services: readonly string[]
  /** Its first moment in milliseconds since the epoch, with fractions, by the clock of its first process; undefined if no line has a time. */
  readonly startTime: number | undefined
  readonly durationMs: number
  /** Its log lines in causal order, without the events at the ends of spans. */
  readonly lines: readonly TraceLine[]
  readonly tree: readonly TreeItem[]
  readonly clocks: WallClocks
}

const TRACE_PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/

/** The trace id in what a user typed: the id in any case, or a whole `traceparent`. Throws ERR_TRACELANE_TRACE_ID_INVALID. */
export function parseTraceId(text: string): string {
  const lower = text.trim().toLowerCase()
  const id = TRACE_PARENT.exec(lower)?.[1] ?? lower
  if (!TRACE_ID.test(id)) throw new TracelaneError('ERR_TRACELANE_TRACE_ID_INVALID', 'it has 32 hex digits that are not all zero')
  return id
}

/** Arranges the lines that were found of one trace, in any order and with duplicates, into a trace. */
export function arrangeTrace(traceId: string, found: readonly TraceLine[]): Trace {
  const events = orderLines(found)
  const tree = buildTree(events)
  const clocks = new WallClocks(events, tree)
  const lines: TraceLine[] = []
  const spans: TraceSpan[] = []
  collect(tree, spans, lines)
  const position = new Map(events.map((line, at) => [line, at]))
  lines.sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0))
  const starts = spans.map((span) => clocks.startOf(span))
  const times = [...events.map((line) => clocks.timeOf(line)), ...starts].filter((time) => time !== undefined)
  const startTime = times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b))
  const end = times.length === 0 ? 0 : times.reduce((a, b) => Math.max(a, b))
  return {
    traceId,
    services: [...new Set(servicesOf(tree))],
    startTime: startTime === undefined ? undefined : round(startTime),
    durationMs: round(end - (startTime ?? 0)),
    lines,
    tree,
    clocks,
  }
}

/** `ms` to the microsecond, which is what span ends are measured in. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function collect(items: readonly TreeItem[], spans: TraceSpan[], lines: TraceLine[]): void {
  for (const item of items) {
    if ('line' in item) lines.push(item.line)
    else {
      spans.push(item.span)
      collect(item.span.items, spans, lines)
    }
  }
}

function* servicesOf(items: readonly TreeItem[]): Generator<string> {
  for (const item of items) {
    if ('line' in item) yield item.line.service
    else {
      yield item.span.service
      yield* servicesOf(item.span.items)
    }
  }
}
