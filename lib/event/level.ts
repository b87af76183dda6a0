/** The severity of a log event. */
export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** A logger's threshold: events of this level and above pass; `all` passes everything, `off` nothing. */
export type Threshold = Level | 'all' | 'off'

/** OTLP severity numbers, which are in order of severity. */
export const SEVERITY: Readonly<Record<Threshold, number>> = Object.freeze({
  all: 0,
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
  off: 100,
})

/** The six levels from `trace` to `fatal`. */
export const LEVELS: readonly Level[] = Object.freeze(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])

/** True for one of the names of a threshold. */
export function isThreshold(value: unknown): value is Threshold {
  return typeof value === 'string' && Object.hasOwn(SEVERITY, value)
}
