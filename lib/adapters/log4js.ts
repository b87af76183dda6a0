import { currentScope } from '../context'
import { complain } from '../diagnostics'
import { type Caller, captureEvent, type Level } from '../event'
import { checkOptions, rules } from '../internal/options'
import { flush, readArguments } from '../logger'
import { levelOfName, severityText } from './level-names'
import { lineScope } from './line-scope'
import { toAppenders } from './to-appenders'

/** The options of the appender, in log4js' configuration beside its `type`. */
export interface Log4jsAppenderOptions {
  readonly type?: unknown
  /**
   * The logger name under which lines enter: it decides which appenders they go to.
   * @default log4js' category
   */
  readonly logger?: string
}

/** What the appender needs of log4js' logging event. */
export interface Log4jsEvent {
  readonly categoryName: string
  readonly level: { readonly level: number; readonly levelStr: string }
  readonly data: readonly unknown[]
  readonly context?: Readonly<Record<string, unknown>>
  readonly pid?: number
  readonly fileName?: string
  readonly lineNumber?: number
  readonly functionName?: string
}

/** An appender of log4js'. */
export interface Log4jsAppender {
  (event: Log4jsEvent): void
  /** Called by `log4js.shutdown`; calls back when all is written, or at the deadline of `flush`. */
  shutdown(done: (error?: Error) => void): void
}

/**
 * Makes the appender; log4js calls it. This module is a type of appender: `appenders: { out: { type: 'tracelane/adapters/log4js' } }`, or
 * with the module itself as `type`.
 *
 * Each logging event becomes an event with the ids and the MDC of the flow that logs, of the category's name. Arguments are read as
 * those of our loggers: placeholders first, then one plain object is fields and an Error is `err`. Where the lines go is said by `configure` of
 * tracelane. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function configure(options: Log4jsAppenderOptions): Log4jsAppender {
  checkOptions('log4js appender', options, { type: () => undefined, logger: rules.string })
  const appender = (event: Log4jsEvent): void => take(event, options.logger)
  return Object.assign(appender, {
    shutdown(done: (error?: Error) => void): void {
      void flush().then(() => done())
    },
  })
}

/**
 * Tokens for the pattern layout of log4js' own appenders:
 * `layout: { type: 'pattern', pattern: '%d %p %c [%x{traceId}] %m', tokens: traceTokens }`.
 *
 * There are `%x{traceId}` and `%x{spanId}`; outside any trace they are `-`. log4js formats inside the log call, so they are right, unless
 * its clustering formats in another process.
 */
export const traceTokens: Readonly<Record<'traceId' | 'spanId', () => string>> = Object.freeze({
  traceId: () => currentScope()?.context.traceId ?? '-',
  spanId: () => currentScope()?.context.spanId ?? '-',
})

const FOREIGN =
  'a log4js line came from another process without its trace: with disableClustering: true in the configuration of log4js ' +
  'each process writes its own'

function take(event: Log4jsEvent, logger: string = event.categoryName): void {
  const { level, data, context, pid = process.pid } = event
  const own = levelOf(level)
  const said = readArguments(data[0], data.slice(1))
  const fields = { ...severityText(level.levelStr, own), ...context, ...said.fields }
  const local = pid === process.pid
  if (!local) complain('log4js', FOREIGN)
  const statement = { level: own, logger, msg: said.msg, fields, err: said.err, caller: callerOf(event) }
  toAppenders(captureEvent(local ? lineScope() : undefined, statement))
}

/* Levels of the application's own have a number on log4js' scale, trace 5000 to fatal 50000. */
function levelOf({ level, levelStr }: Log4jsEvent['level']): Level {
  const known = levelOfName(levelStr)
  if (known !== undefined) return known
  if (level >= 50_000) return 'fatal'
  if (level >= 40_000) return 'error'
  if (level >= 30_000) return 'warn'
  if (level >= 20_000) return 'info'
  return level >= 10_000 ? 'debug' : 'trace'
}

function callerOf({ fileName, lineNumber, functionName }: Log4jsEvent): Caller | undefined {
  return fileName === undefined ? undefined : { file: fileName, line: lineNumber ?? 0, function: functionName || undefined }
}
