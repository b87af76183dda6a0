import type { Level } from '../event'
import { dateFormat } from './date-format'
import { viewError } from './error-view'
import { assignment, eachField, eachShown } from './field-text'
import type { Layout, Origin } from './layout'
import { FULL_STACK, stackLines } from './stack-text'
import { visible } from './visible'

/** Options of the layout for people. */
export interface PrettyOptions {
  /**
   * Whether levels are coloured and what is less important is dim.
   * @default on a terminal, unless NO_COLOR is set; FORCE_COLOR turns it on elsewhere
   */
  readonly colors?: boolean
  /**
   * How the trace id is shown: its first eight digits, all 32, or not at all.
   * @default 'short'
   */
  readonly traceId?: 'short' | 'full' | 'none'
  /**
   * The time zone of the time of day: an IANA name, `UTC` or an offset such as `+02:00`.
   * @default 'UTC'
   */
  readonly timezone?: string
}

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

const ID_LENGTH = { short: 8, full: 32, none: 0 } as const
const INDENT = '    '

/**
 * For people at a terminal: time of day, level, logger, message, fields, and the first eight digits of the trace id; an
 * error's stack and those of its causes follow, indented. Control characters in texts are shown as escapes, so that no input can
 * drive the terminal. Throws DateFormatProblem for a time zone that Node does not know.
 */
export function prettyLayout(
  origin: Origin,
  colors: boolean,
  { traceId: id = 'short', timezone = 'UTC' }: PrettyOptions = {},
): Layout {
  const paint = (code: string, text: string): string => (colors ? `${code}${text}${RESET}` : text)
  const timeOfDay = dateFormat('HH:mm:ss.SSS', timezone, 'en')
  const idLength = ID_LENGTH[id]
  return (event) => {
    const { time, level, logger, msg, traceId, err, caller } = event
    const parts = [
      paint(DIM, timeOfDay(time)),
      paint(COLOR[level], level.toUpperCase().padEnd(5)),
      paint(DIM, visible(logger)),
      visible(msg),
    ]
    eachShown(event, (key, value) => parts.push(paint(DIM, visible(assignment(key, value)))))
    if (event.replayed === true) parts.push(paint(DIM, '(replayed)'))
    if (origin.caller === true && caller !== undefined) parts.push(paint(DIM, visible(`(${caller.file}:${caller.line})`)))
    if (traceId !== undefined && idLength > 0) parts.push(paint(DIM, `[${traceId.slice(0, idLength)}]`))
    return `${parts.join(' ')}\n${err === undefined ? '' : errorText(err, paint)}`
  }
}

type Paint = (code: string, text: string) => string

/* The title stands out, the frames do not. */
function errorText(err: unknown, paint: Paint): string {
  const lines = stackLines(viewError(err), FULL_STACK).map((line) => {
    const text = `${INDENT}${line.replaceAll('\t', INDENT)}`
    return /^\t+(?:at |\.\.\.)/.test(line) ? paint(DIM, text) : text
  })
  return `${[lines[0], ...ownFields(err, paint), ...lines.slice(1)].join('\n')}\n`
}

const SHOWN_ALREADY: ReadonlySet<string> = new Set(['name', 'type', 'message', 'stack', 'cause', 'errors'])

/* `code=ECONNREFUSED port=5432`: what Node and libraries add to errors. */
function ownFields(err: unknown, paint: Paint): string[] {
  if (typeof err !== 'object' || err === null) return []
  const texts: string[] = []
  eachField(err as Readonly<Record<string, unknown>>, (key, value) => {
    if (!SHOWN_ALREADY.has(key)) texts.push(visible(assignment(key, value)))
  })
  return texts.length === 0 ? [] : [paint(DIM, `${INDENT}${INDENT}${texts.join(' ')}`)]
}
