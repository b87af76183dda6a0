import { startTime } from './span-draft'
import type { TraceLine } from './trace-line'
import type { TraceSpan, TreeItem } from './tree'

/* A span of a called process may seem to stick out of its caller's by rounding. */
const TOLERANCE_MS = 2

/**
 * How far the wall clocks of the processes of one trace are apart, in milliseconds, as far as the trace itself tells.
 *
 * A request is served while its caller waits. If a span does not lie inside the calling span of another process, their
 * clocks differ, and the most likely difference puts it in the middle. A process that has no such pair is moved only as far as
 * causal order demands. The first process is the reference.
 */
export class WallClocks {
  readonly #aheadMs = new Map<string, number>()

  constructor(lines: readonly TraceLine[], tree: readonly TreeItem[]) {
    const [first] = lines
    if (first !== undefined) this.#aheadMs.set(first.process, 0)
    this.#compareSpans(tree, undefined)
    this.#compareLines(lines)
  }

  /** How far the clock of `process` is ahead of the first process's; negative if it is behind. */
  aheadMs(process: string): number {
    return this.#aheadMs.get(process) ?? 0
  }

  /** When `line` was written, by the clock of the first process. */
  timeOf(line: TraceLine): number | undefined {
    return line.time === undefined ? undefined : line.time - this.aheadMs(line.process)
  }

  /** When `span` began, by the clock of the first process; undefined if it has no end event. */
  startOf(span: TraceSpan): number | undefined {
    const start = startTime(span.end)
    return start === undefined ? undefined : start - this.aheadMs(span.process)
  }

  #compareSpans(items: readonly TreeItem[], caller: TraceSpan | undefined): void {
    for (const item of items) {
      if (!('span' in item)) continue
      const { span } = item
      if (caller !== undefined && !span.assumed) this.#compare(caller, span)
      this.#compareSpans(span.items, span)
    }
  }

  #compare(caller: TraceSpan, callee: TraceSpan): void {
    if (this.#aheadMs.has(callee.process) || !this.#aheadMs.has(caller.process)) return
    const outerStart = this.startOf(caller)
    const innerStart = startTime(callee.end)
    if (outerStart === undefined || innerStart === undefined) return
    const outer = caller.end?.span?.durationMs ?? 0
    const inner = callee.end?.span?.durationMs ?? 0
    const before = innerStart - outerStart
    const after = outerStart + outer - (innerStart + inner)
    const inside = before >= -TOLERANCE_MS && after >= -TOLERANCE_MS
    this.#aheadMs.set(callee.process, inside ? 0 : Math.round(before - (outer - inner) / 2))
  }

  /* For each process that has no pair: the smallest difference with which its lines keep their place in causal order. */
  #compareLines(lines: readonly TraceLine[]): void {
    for (const { process } of lines) {
      if (this.#aheadMs.has(process)) continue
      const atLeast = this.#leastAhead(process, lines)
      const atMost = -this.#leastAhead(process, lines.toReversed(), -1)
      this.#aheadMs.set(process, atLeast > 0 ? atLeast : Math.min(0, atMost))
    }
  }

  /* By how much the lines of `process` would at least have to move so that none is later than a known one after it. */
  #leastAhead(process: string, lines: readonly TraceLine[], sign = 1): number {
    let least = Number.NEGATIVE_INFINITY
    let latest = Number.NEGATIVE_INFINITY
    for (const { process: writer, time } of lines) {
      if (time === undefined) continue
      if (writer === process) latest = Math.max(latest, sign * time)
      else if (this.#aheadMs.has(writer)) least = Math.max(least, latest - sign * (time - this.aheadMs(writer)))
    }
    return least
  }
}
