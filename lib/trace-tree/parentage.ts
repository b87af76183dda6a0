import { type SpanDraft, startPosition } from './span-draft'
import type { TraceLine } from './trace-line'

/* Deeper chains are hostile or a loop that never ends its spans; the tree goes on beside them. */
const MAX_DEPTH = 500

/**
 * Gives every span its parent: the one that it names, if that is known, else an assumed one.
 *
 * A span whose parent is not known stands under the span that wrote the last line before it from another process and had
 * not ended then, and is marked as assumed. If there is none it is a root, unless it never told its parent (it
 * has no end): then the last open span of its own process will do.
 */
export function findParents(drafts: ReadonlyMap<string, SpanDraft>, lines: readonly TraceLine[]): void {
  for (const draft of drafts.values()) {
    const parent = draft.parentSpanId === undefined ? undefined : drafts.get(draft.parentSpanId)
    if (parent !== undefined) adopt(draft, parent)
  }
  const outside = new Set<string>()
  for (const draft of drafts.values()) {
    if (draft.parent !== undefined || isRoot(draft)) continue
    // Several requests of one outside caller: each is a root.
    if (draft.parentSpanId !== undefined && outside.has(draft.parentSpanId)) continue
    const parent = assumedParent(draft, drafts, lines)
    if (parent !== undefined && adopt(draft, parent)) draft.assumed = true
    else if (draft.parentSpanId !== undefined) outside.add(draft.parentSpanId)
  }
}

/* Its end says that there is no span above it. */
function isRoot(draft: SpanDraft): boolean {
  return draft.end !== undefined && draft.parentSpanId === undefined
}

function adopt(draft: SpanDraft, parent: SpanDraft): boolean {
  let depth = 0
  for (let above: SpanDraft | undefined = parent; above !== undefined; above = above.parent) {
    if (above === draft || ++depth === MAX_DEPTH) return false
  }
  draft.parent = parent
  parent.children.push(draft)
  return true
}

function assumedParent(
  draft: SpanDraft,
  drafts: ReadonlyMap<string, SpanDraft>,
  lines: readonly TraceLine[],
): SpanDraft | undefined {
  const start = startPosition(draft, lines)
  let near: SpanDraft | undefined
  for (let i = Math.ceil(start) - 1; i >= 0; i--) {
    const candidate = drafts.get(lines[i]?.spanId ?? '')
    if (candidate === undefined || candidate === draft || (candidate.end ?? Number.POSITIVE_INFINITY) < start) continue
    if (candidate.process !== draft.process) return candidate
    near ??= candidate
  }
  return draft.end === undefined ? near : undefined
}
