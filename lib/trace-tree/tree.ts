import { findParents } from './parentage'
import { draftSpans, type SpanDraft, startPosition } from './span-draft'
import type { TraceLine } from './trace-line'

/** A line at its place in the tree. */
export interface LineItem {
  readonly line: TraceLine
}

/** A span at its place in the tree. */
export interface SpanItem {
  readonly span: TraceSpan
}

/** What a tree and every span in it consist of. */
export type TreeItem = LineItem | SpanItem

/** One span of a trace, as far as the lines that were found tell. */
export interface TraceSpan {
  readonly spanId: string
  /** The span that it names as its parent; that need not be in the files. */
  readonly parentSpanId: string | undefined
  readonly service: string
  readonly process: string
  /** The event at its end; undefined for a span that was still running, or whose process was killed. */
  readonly end: TraceLine | undefined
  /** Its place in the tree was guessed from causal order, because its parent is not known. */
  readonly assumed: boolean
  /** Its lines and child spans in causal order. */
  readonly items: readonly TreeItem[]
}

interface Placed {
  readonly at: number
  readonly item: TreeItem
}

/**
 * The lines of one trace, given in causal order, as a tree of spans; see `findParents` for the parents.
 *
 * A line that names no span belongs to the span of the line before it in its file, else to that of the line before it in causal
 * order. Without any span the lines themselves are the tree.
 */
export function buildTree(lines: readonly TraceLine[]): TreeItem[] {
  const drafts = draftSpans(lines)
  findParents(drafts, lines)
  const owned = new Map<SpanDraft | undefined, Placed[]>()
  const owners = findOwners(lines, drafts)
  for (const [at, line] of lines.entries()) {
    const owner = owners[at]
    if (owner?.end === at) continue
    const placed = owned.get(owner)
    if (placed === undefined) owned.set(owner, [{ at, item: { line } }])
    else placed.push({ at, item: { line } })
  }
  const starts = new Map<SpanDraft, number>()
  const itemsOf = (children: readonly SpanDraft[], own: readonly Placed[] = []): TreeItem[] => {
    const spans = children.map((child) => ({ at: startPosition(child, lines, starts), item: { span: toSpan(child) } }))
    return [...own, ...spans].sort((a, b) => a.at - b.at).map(({ item }) => item)
  }
  const toSpan = (draft: SpanDraft): TraceSpan => {
    const { spanId, parentSpanId, service, process, end, assumed, children } = draft
    const endEvent = end === undefined ? undefined : lines[end]
    return { spanId, parentSpanId, service, process, end: endEvent, assumed, items: itemsOf(children, owned.get(draft)) }
  }
  const roots = [...drafts.values()].filter(({ parent }) => parent === undefined)
  return itemsOf(roots, owned.get(undefined))
}

/* The span that each line belongs to. */
function findOwners(lines: readonly TraceLine[], drafts: ReadonlyMap<string, SpanDraft>): (SpanDraft | undefined)[] {
  const lastOfFile = new Map<number, SpanDraft>()
  let last: SpanDraft | undefined = drafts.values().next().value
  return lines.map((line, at) => {
    const owner = drafts.get(line.spanId ?? '') ?? lastOfFile.get(line.source.index) ?? last
    // What follows the end of a span was written around that span, not in it.
    const goesOn = owner?.end === at ? (owner.parent ?? owner) : owner
    if (goesOn !== undefined) lastOfFile.set(line.source.index, goesOn)
    last = goesOn
    return owner
  })
}
