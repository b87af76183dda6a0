import type { Level } from '../event'

/* The names of levels of pino, winston (npm, syslog and cli), bunyan and log4js, and what they mean here. */
const LEVEL_OF_NAME: ReadonlyMap<string, Level> = new Map<string, Level>([
  ...named('trace', 'trace', 'silly', 'input'),
  ...named('debug', 'debug', 'verbose', 'http', 'prompt'),
  ...named('info', 'info', 'notice', 'help', 'data', 'mark'),
  ...named('warn', 'warn', 'warning'),
  ...named('error', 'error', 'err'),
  ...named('fatal', 'fatal', 'crit', 'critical', 'alert', 'emerg', 'emergency'),
])

function named(level: Level, ...names: readonly string[]): [string, Level][] {
  return names.map((name) => [name, level])
}

/** The level that another logger's name of one means, in any case; undefined for a name of the application's own. */
export function levelOfName(name: string): Level | undefined {
  return LEVEL_OF_NAME.get(name) ?? LEVEL_OF_NAME.get(name.toLowerCase())
}

/** The level that a number means on the scale of pino and bunyan, trace 10 to fatal 60: the next one below it. */
export function levelOfNumber(value: number): Level {
  if (value >= 60) return 'fatal'
  if (value >= 50) return 'error'
  if (value >= 40) return 'warn'
  if (value >= 30) return 'info'
  return value >= 20 ? 'debug' : 'trace'
}

/* Names that say nothing that ours does not say. */
const SYNONYMS: ReadonlySet<string> = new Set(['warning', 'err'])

/** OpenTelemetry's `severityText` as a field: what another logger calls the level, if our name for it says less. */
export function severityText(name: string, level: Level): { readonly severityText?: string } {
  const lower = name.toLowerCase()
  return lower === level || SYNONYMS.has(lower) ? {} : { severityText: name }
}
