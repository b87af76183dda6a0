import type { Level } from '../event'

/** Where a line was read. */
export interface Source {
  /** The file as the user named it; `-` is standard input. */
  readonly file: string
  /** The file's place among the files given. */
  readonly index: number
  /** The byte at which the line begins. */
  readonly offset: number
}

/** What the event at the end of a span says. */
export interface SpanEnd {
  readonly kind: string
  readonly name: string
  readonly outcome: string
  readonly durationMs: number
  readonly status: number | string | undefined
  readonly peer: string | undefined
  readonly error: string | undefined
}

/** The error that a line tells of. */
export interface LineError {
  readonly type: string
  readonly message: string
  readonly stack: string | undefined
}

/** One log line of one trace, whatever logger wrote it. What the line does not say is undefined. */
export interface TraceLine {
  readonly source: Source
  /** The service's name; the file's name if the line does not tell. */
  readonly service: string
  /** Tells processes apart, whose wall clocks may differ: by instance, else by process id, else by file. */
  readonly process: string
  /** Wall-clock time in milliseconds since the epoch. */
  readonly time: number | undefined
  readonly level: Level | undefined
  readonly logger: string | undefined
  readonly msg: string
  readonly spanId: string | undefined
  readonly parentSpanId: string | undefined
  /** The hybrid logical clock: 16 lower hex digits. */
  readonly hlc: string | undefined
  readonly instance: string | undefined
  readonly seq: number | undefined
  readonly err: LineError | undefined
  /** Set on the event at the end of a span. */
  readonly span: SpanEnd | undefined
  /** Everything else that the line says. */
  readonly fields: Readonly<Record<string, unknown>>
}
