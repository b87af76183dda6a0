/** The parts of a winston logger that this adapter uses. */
export interface WinstonLike {
  readonly levels: Readonly<Record<string, number>>
  write(...args: never[]): boolean
  log(entry: { level: string; message: string }): unknown
}

/* Under these names winston keeps the level as it was before formats, and the arguments after the message (package triple-beam). */
export const LEVEL = Symbol.for('level')
export const SPLAT = Symbol.for('splat')

/** An entry of winston's on its way from the log call to the transports. */
export type Info = Record<string | symbol, unknown>

/** Marks entries that are events of the kit. */
export const SPAN_LINE = Symbol.for('tracelane.winston.span')
