import { LEVELS, type Level, SEVERITY } from '../event'

/* The names of npm, syslog, OTel and java.util.logging that are not ours. */
const OTHER_NAMES: Readonly<Record<string, Level>> = {
  silly: 'trace',
  finest: 'trace',
  verbose: 'debug',
  http: 'debug',
  fine: 'debug',
  notice: 'info',
  information: 'info',
  log: 'info',
  warning: 'warn',
  err: 'error',
  severe: 'error',
  crit: 'fatal',
  critical: 'fatal',
  alert: 'fatal',
  emerg: 'fatal',
  emergency: 'fatal',
}

/* pino and bunyan: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal, and whatever a user puts between. */
const PINO_STEP = 10

// biome-ignore lint/suspicious/noControlCharactersInRegex: winston's colorize() puts escape sequences around the level
const COLOR = /\u001b\[[0-9;]*m/g

/** The level that a logger's `level` field means; undefined for what is none. */
export function readLevel(value: unknown): Level | undefined {
  if (typeof value === 'number')
    return value >= PINO_STEP ? LEVELS[Math.min(Math.floor(value / PINO_STEP), LEVELS.length) - 1] : undefined
  if (typeof value !== 'string') return undefined
  const name = value.replace(COLOR, '').trim().toLowerCase()
  return LEVELS.find((level) => level === name) ?? (Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined)
}

/** The level that an OTLP severity number (1 to 24) means; undefined for what is none. */
export function readSeverity(value: unknown): Level | undefined {
  return typeof value === 'number' ? LEVELS.findLast((level) => SEVERITY[level] <= value) : undefined
}

const WORD = /\b(?:trace|debug|info|warn|warning|error|fatal)\b/i

/** The level named near the start of a plain text line, if there is one. */
export function levelInText(text: string): Level | undefined {
  return readLevel(WORD.exec(text.slice(0, 80))?.[0])
}
