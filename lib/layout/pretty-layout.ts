import { type Level, toJson } from '../event'
import type { Layout, Origin } from './layout'

const RESET = '\u001b[0m'
const DIM = '\u001b[2m'
const COLOR: Readonly<Record<Level, string>> = {
  trace: '\u001b[90m',
  debug: '\u001b[36m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[35m',
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g

/**
 * For people at a terminal: time of day, level, logger, message, fields, and the first eight digits of the trace id; an
 * error's stack follows, indented. Control characters in texts are shown as escapes, so that no input can drive the terminal.
 */
export function prettyLayout(_origin: Origin, colors: boolean): Layout {
  const paint = (code: string, text: string): string => (colors ? `${code}${text}${RESET}` : text)
  return ({ time, level, logger, msg, traceId, mdc, fields, err }) => {
    const clock = new Date(time).toISOString().slice(11, 23)
    const parts = [
      paint(DIM, clock),
      paint(COLOR[level], level.toUpperCase().padEnd(5)),
      paint(DIM, visible(logger)),
      visible(msg),
    ]
    const shown = { ...mdc, ...fields }
    for (const key of Object.keys(shown)) {
      if (shown[key] !== undefined) parts.push(paint(DIM, `${visible(key)}=${valueText(shown[key])}`))
    }
    if (traceId !== undefined) parts.push(paint(DIM, `[${traceId.slice(0, 8)}]`))
    return `${parts.join(' ')}\n${err === undefined ? '' : errorText(err)}`
  }
}

function valueText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? visible(value) : toJson(value)
}

function errorText(err: unknown): string {
  const stack = err instanceof Error ? (err.stack ?? String(err)) : toJson(err)
  const lines = stack.split('\n').map((line) => `    ${visible(line)}\n`)
  return lines.join('')
}

function visible(text: string): string {
  return text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
