/*
 * With `logSpans` another logger writes the kit's own events. If its lines come to our appenders, they would have each of those events twice:
 * from the port, and as a line.
 *
 *   port ──▶ our appenders
 *     └────▶ logSpans ──▶ pino ──▶ tracelaneDestination, which leaves out what `writeSpanLine` is writing
 */
let writing = false

/** Calls `write`, which gives an event of the kit to another logger, and marks what is logged in it. */
export function writeSpanLine(write: () => void): void {
  writing = true
  try {
    write()
  } finally {
    writing = false
  }
}

/** Whether what is logged now is an event of the kit. */
export function isSpanLine(): boolean {
  return writing
}
