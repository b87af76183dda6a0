import type { Level, LineContent } from '../../event'
import { revivedError } from '../errors'
import { levelOfName, levelOfNumber } from '../level-names'

/** The line without its end, which is `\n` or, by option, `\r\n`; line breaks elsewhere can only be white space between JSON's tokens. */
export function oneLine(text: string): string {
  const line = text.endsWith('\r\n') ? text.slice(0, -2) : text.endsWith('\n') ? text.slice(0, -1) : text
  return line.includes('\n') || line.includes('\r') ? line.replace(/[\r\n]+/g, ' ') : line
}

/** Our level for pino's number or label; `labels` are the names that the logger has for its numbers. */
export function levelOf(level: unknown, labels: Readonly<Record<number, string>> | undefined): Level {
  if (typeof level === 'string') return levelOfName(level) ?? 'info'
  if (typeof level !== 'number') return 'info'
  const label = labels?.[level]
  return (label === undefined ? undefined : levelOfName(label)) ?? levelOfNumber(level)
}

/** Whether a line is the text of one JSON object. */
export function isObject(line: string): boolean {
  return line.startsWith('{') && parsed(line) !== undefined
}

/** The level that a line has, for loggers that do not tell it. */
export function levelIn(line: string): Level {
  return levelOf(parsed(line)?.['level'], undefined)
}

/** The message that a line has; empty without one. */
export function messageIn(line: string): string {
  if (!line.includes('"msg":') && !line.includes('"message":')) return ''
  const whole = parsed(line)
  const msg = whole?.['msg'] ?? whole?.['message']
  return typeof msg === 'string' ? msg : ''
}

/* What pino writes on its own account, and our layouts too. */
const PINOS_OWN: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'hostname', 'name', 'traceId', 'spanId', 'hlc'])

/** Fields and error of a line whose message is `msg`. */
export function contentOf(line: string, msg: string): LineContent {
  const { err, ...fields } = parsed(line) ?? {}
  // Under whatever name, pino writes the message last, unless it was among the fields.
  for (const key of ['msg', 'message', Object.keys(fields).at(-1)]) {
    if (key !== undefined && fields[key] === msg) delete fields[key]
  }
  for (const key of PINOS_OWN) delete fields[key]
  const error = revivedError(err)
  return { fields: err === undefined || error !== undefined ? fields : { ...fields, err }, err: error }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}
