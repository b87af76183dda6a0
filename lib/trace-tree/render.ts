import { type Paint, printable } from './paint'
import { renderFields, renderOffset, renderSkew, renderStatus, shortened, stackFrames } from './render-parts'
import { round, type Trace } from './trace'
import type { LineError, SpanEnd, TraceLine } from './trace-line'
import type { TraceSpan, TreeItem } from './tree'

/** How a trace is printed. */
export interface RenderOptions {
  /** Columns to use, at least 60. */
  readonly width: number
  readonly paint: Paint
}

const MAX_SERVICE = 14
const OFFSET_WIDTH = 9
const MIN_WIDTH = 60
const MAX_MESSAGE = 500
/* Wall clocks that agree this well need no word. */
const NOTABLE_SKEW_MS = 50

/**
 * A trace as lines of text, for people:
 *
 *     offset  service   tree
 *       +0ms  gateway   ● POST /orders 201 45.2 ms            ● served  ○ called  ◆ part of the work
 *       +1ms  gateway   │ info  order received  orderId=7
 *       +2ms  gateway   ├─○ POST localhost:4311 201 38.0 ms
 *       +3ms  orders    │ ╰─● POST /orders 201 36.5 ms
 *
 * Fields that do not fit are left out and counted; control characters are made visible.
 */
export function renderTrace(trace: Trace, options: RenderOptions): string[] {
  return new Renderer(trace, options).render()
}

class Renderer {
  readonly #trace: Trace
  readonly #paint: Paint
  readonly #width: number
  readonly #serviceWidth: number
  /* How many lines have each field with each value. */
  readonly #seen = new Map<string, number>()
  readonly #out: string[] = []

  constructor(trace: Trace, { width, paint }: RenderOptions) {
    this.#trace = trace
    this.#paint = paint
    this.#width = Math.max(width, MIN_WIDTH)
    for (const { fields } of trace.lines) {
      for (const [name, value] of Object.entries(fields)) {
        const key = fieldKey(name, value)
        this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1)
      }
    }
    this.#serviceWidth = Math.min(MAX_SERVICE, Math.max(...trace.services.map((name) => printable(name).length)))
  }

  render(): string[] {
    const { services, startTime, durationMs, lines, traceId } = this.#trace
    const { bold, dim } = this.#paint
    const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
    const facts = [count(services.length, 'service'), count(lines.length, 'line'), `${durationMs.toFixed(1)} ms`]
    if (startTime !== undefined) facts.push(new Date(startTime).toISOString())
    this.#out.push(`${bold(`trace ${traceId}`)}  ${dim(facts.join(' · '))}`, '')
    this.#items(this.#trace.tree, '', true)
    this.#skews()
    return this.#out
  }

  #items(items: readonly TreeItem[], prefix: string, top: boolean): void {
    for (const [i, item] of items.entries()) {
      const last = i === items.length - 1
      const below = top ? '' : `${prefix}${last ? '  ' : '│ '}`
      if ('line' in item) this.#line(item.line, top ? '' : `${prefix}${last ? '╰ ' : '│ '}`, below)
      else {
        this.#span(item.span, top ? '' : `${prefix}${last ? '╰─' : '├─'}`)
        this.#items(item.span.items, below, false)
      }
    }
  }

  #span(span: TraceSpan, branch: string): void {
    const { bold, dim, yellow } = this.#paint
    const { end, service, assumed } = span
    const guess = assumed ? dim('  (parent assumed)') : ''
    if (end?.span === undefined) {
      const first = this.#firstTime(span)
      this.#row(first, service, branch, `${yellow('◌')} ${bold(`span ${span.spanId}`)}  ${yellow('unfinished')}${guess}`)
      return
    }
    const { kind, name, durationMs, peer, error } = end.span
    const symbol = kind === 'server' ? '●' : kind === 'client' ? '○' : '◆'
    const toPeer = peer === undefined ? '' : dim(` → ${printable(peer)}`)
    const label = `${symbol} ${bold(shortened(printable(name), 80))}${toPeer}`
    const why = error === undefined ? '' : `  ${this.#paint.red(shortened(printable(error), 120))}`
    const duration = dim(`${durationMs.toFixed(1)} ms`)
    this.#row(
      this.#trace.clocks.startOf(span),
      service,
      branch,
      `${label}  ${this.#outcome(end.span)}  ${duration}${why}${guess}`,
    )
  }

  #outcome({ status, outcome }: SpanEnd): string {
    const { green, red, yellow } = this.#paint
    const code = status === undefined ? outcome : renderStatus(status)
    const text = printable(outcome === 'aborted' && code !== outcome ? `${code} aborted` : code)
    return outcome === 'ok' ? green(text) : outcome === 'aborted' ? yellow(text) : red(text)
  }

  #line(line: TraceLine, branch: string, below: string): void {
    const { dim } = this.#paint
    const msg = shortened(printable(line.msg), MAX_MESSAGE)
    const used = OFFSET_WIDTH + this.#serviceWidth + 4 + branch.length + 7 + msg.length
    const fields = dim(renderFields(this.#newsFirst(line.fields), this.#width - used - 2))
    this.#row(this.#trace.clocks.timeOf(line), line.service, branch, `${this.#level(line)} ${msg}${fields && `  ${fields}`}`)
    if (line.err !== undefined) this.#error(line.err, below)
  }

  /* Fields that stand on several lines (an order id from the MDC) say the least, so they come last. */
  #newsFirst(fields: TraceLine['fields']): TraceLine['fields'] {
    const count = ([name, value]: readonly [string, unknown]): number => this.#seen.get(fieldKey(name, value)) ?? 0
    return Object.fromEntries(Object.entries(fields).sort((a, b) => count(a) - count(b)))
  }

  #error(err: LineError, below: string): void {
    const { red, dim } = this.#paint
    this.#row(undefined, '', below, `      ${red(shortened(printable(`${err.type}: ${err.message}`), MAX_MESSAGE))}`)
    for (const frame of stackFrames(err.stack)) {
      const room = this.#width - OFFSET_WIDTH - this.#serviceWidth - 4 - below.length - 8
      this.#row(undefined, '', below, `        ${dim(shortened(printable(frame), room))}`)
    }
  }

  #level({ level }: TraceLine): string {
    const { red, yellow, dim, green } = this.#paint
    const text = (level ?? '').padEnd(5)
    if (level === 'error' || level === 'fatal') return red(text)
    if (level === 'warn') return yellow(text)
    return level === 'info' ? green(text) : dim(text)
  }

  #row(time: number | undefined, service: string, branch: string, text: string): void {
    const { startTime } = this.#trace
    const offset = time === undefined || startTime === undefined ? '' : renderOffset(time - startTime)
    const name = shortened(printable(service), this.#serviceWidth).padEnd(this.#serviceWidth)
    const color = this.#trace.services.indexOf(service)
    const { dim, service: paintService } = this.#paint
    this.#out.push(
      `${dim(offset.padStart(OFFSET_WIDTH))}  ${paintService(Math.max(color, 0), name)}  ${dim(branch)}${text}`.trimEnd(),
    )
  }

  #firstTime(span: TraceSpan): number | undefined {
    for (const item of span.items) {
      const time = 'line' in item ? this.#trace.clocks.timeOf(item.line) : this.#trace.clocks.startOf(item.span)
      if (time !== undefined) return time
    }
    return undefined
  }

  #skews(): void {
    const { lines, clocks } = this.#trace
    const skews = new Map(lines.map(({ service, process }) => [service, clocks.aheadMs(process)]))
    const notable = [...skews].filter(([, ahead]) => Math.abs(ahead) >= NOTABLE_SKEW_MS)
    if (notable.length > 0) this.#out.push('')
    for (const [service, ahead] of notable) {
      this.#out.push(
        this.#paint.yellow(`The clock of ${printable(service)} is ${renderSkew(round(ahead))}; the offsets are corrected.`),
      )
    }
  }
}

function fieldKey(name: string, value: unknown): string {
  return `${name}=${typeof value === 'object' ? '' : String(value)}`
}
