import { readLine, type TraceLine } from '../../lib/trace-tree'

/** The trace of these tests. */
export const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

/** The moment at which the trace of these tests begins. */
export const T0 = 1_763_683_905_000

/** A span id made of one digit. */
export function id(digit: string): string {
  return digit.repeat(16)
}

/** A hybrid logical clock `ms` after the beginning. */
export function hlc(ms: number, counter = 0): string {
  return (T0 + ms).toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0')
}

/** The log of one service as it stands in its file, each line one call of `log`. */
export class LogFile {
  readonly lines: string[] = []
  readonly #service: string
  /** How far this service's wall clock is ahead. */
  readonly #aheadMs: number

  constructor(service: string, aheadMs = 0) {
    this.#service = service
    this.#aheadMs = aheadMs
  }

  /** Writes one line `ms` after the beginning of the trace. */
  log(ms: number, clock: string | undefined, spanId: string | undefined, msg: string, more: object = {}): this {
    const line = {
      time: T0 + this.#aheadMs + ms,
      level: 'info',
      service: this.#service,
      traceId: TRACE,
      hlc: clock,
      spanId,
      msg,
      ...more,
    }
    this.lines.push(JSON.stringify(line))
    return this
  }

  /** Writes the event at the end of a span. */
  end(ms: number, clock: string | undefined, spanId: string, parentSpanId: string | undefined, span: object): this {
    const whole = { kind: 'server', name: 'work', outcome: 'ok', durationMs: 1, ...span }
    return this.log(ms, clock, spanId, 'end', { logger: 'tracelane.span', parentSpanId, span: whole })
  }
}

/** What would be read from `files`, named `a.log`, `b.log` and so on. */
export function read(...files: (LogFile | readonly string[])[]): TraceLine[] {
  return files.flatMap((file, index) => {
    const name = `${String.fromCharCode(97 + index)}.log`
    const lines = file instanceof LogFile ? file.lines : file
    return lines.flatMap((line, offset) => readLine(line, TRACE, { file: name, index, offset }) ?? [])
  })
}
