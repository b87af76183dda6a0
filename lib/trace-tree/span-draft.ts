import type { TraceLine } from './trace-line'

/** A span while the tree is being built. Positions are indexes into the lines of the trace in causal order. */
export interface SpanDraft {
  readonly spanId: string
  /** The positions of the events that have its id, its end included. */
  readonly events: number[]
  /** The position of the event at its end. */
  end: number | undefined
  parentSpanId: string | undefined
  service: string
  process: string
  parent: SpanDraft | undefined
  assumed: boolean
  readonly children: SpanDraft[]
}

/** The spans that `lines`, in causal order, belong to, by span id; none has a parent yet. */
export function draftSpans(lines: readonly TraceLine[]): Map<string, SpanDraft> {
  const drafts = new Map<string, SpanDraft>()
  for (const [at, line] of lines.entries()) {
    const { spanId, service, process, parentSpanId } = line
    if (spanId === undefined) continue
    const draft: SpanDraft = drafts.get(spanId) ?? {
      spanId,
      events: [],
      end: undefined,
      parentSpanId: undefined,
      service,
      process,
      parent: undefined,
      assumed: false,
      children: [],
    }
    drafts.set(spanId, draft)
    draft.events.push(at)
    if (line.span !== undefined && draft.end === undefined) Object.assign(draft, { end: at, parentSpanId, service, process })
  }
  return drafts
}

/** When the span began by the wall clock of its process, if its end is known. It may be up to a millisecond too early. */
export function startTime(end: TraceLine | undefined): number | undefined {
  return end?.time === undefined || end.span === undefined ? undefined : end.time - end.span.durationMs
}

/**
 * The position at which the span began: that of the first event of it and of the spans below it, or just before the first line
 * that its process certainly wrote later than its beginning. A call to a service whose log is not at hand has one event only, its end,
 * which comes after everything that was logged meanwhile. `known` keeps what was computed, for as long as no parent changes.
 */
export function startPosition(draft: SpanDraft, lines: readonly TraceLine[], known = new Map<SpanDraft, number>()): number {
  const before = known.get(draft)
  if (before !== undefined) return before
  let at = draft.events[0] ?? lines.length
  for (const child of draft.children) at = Math.min(at, startPosition(child, lines, known))
  const start = startTime(draft.end === undefined ? undefined : lines[draft.end])
  for (let i = Math.ceil(at) - 1; start !== undefined && i >= 0; i--) {
    const { process, time = 0 } = lines[i] as TraceLine
    if (process !== draft.process) continue
    // Times are cut to whole milliseconds, so only a line a whole one later than the start is surely later.
    if (time < start + 1) break
    at = i - 0.5
  }
  known.set(draft, at)
  return at
}
