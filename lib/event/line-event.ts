import type { MdcFields, Scope } from '../context'
import type { Level } from './level'
import { captureEvent, type LogEvent } from './log-event'

/** What a finished line says beside level and logger. */
export interface LineContent {
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly err: unknown
}

/** A line that another logger has finished: the text of one JSON object, without a line break. */
export interface FinishedLine {
  readonly level: Level
  readonly logger: string
  readonly msg: string
  readonly line: string
  /** The clock that the line carries already, 16 lower hex digits; undefined if it carries none. */
  readonly hlc: string | undefined
  /** Reads fields and error out of the line, for layouts and filters that need them. Called at most once, and maybe never. */
  readonly read: (line: string) => LineContent
}

/**
 * A finished line of another logger as an event, with the ids of the flow that logged it.
 *
 * The JSON layout writes the line as it is and adds what it lacks; whatever needs its parts has them read then.
 */
class LineEvent implements LogEvent {
  readonly time: number
  readonly level: Level
  readonly logger: string
  readonly msg: string
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly hlc: string
  readonly mdc: MdcFields
  readonly caller: undefined
  readonly line: string
  readonly #read: (line: string) => LineContent
  #content: LineContent | undefined

  constructor(captured: LogEvent, { line, hlc, read }: FinishedLine) {
    this.time = captured.time
    this.level = captured.level
    this.logger = captured.logger
    this.msg = captured.msg
    this.traceId = captured.traceId
    this.spanId = captured.spanId
    this.hlc = hlc ?? captured.hlc
    this.mdc = captured.mdc
    this.line = line
    this.#read = read
  }

  get fields(): Readonly<Record<string, unknown>> | undefined {
    return this.#parts().fields
  }

  get err(): unknown {
    return this.#parts().err
  }

  #parts(): LineContent {
    this.#content ??= this.#read(this.line)
    return this.#content
  }
}

/** The event that a finished line of another logger makes in `scope` (undefined: outside any trace) now; moves the trace's clock. */
export function captureLine(scope: Scope | undefined, line: FinishedLine): LogEvent {
  return new LineEvent(captureEvent(scope, line), line)
}
