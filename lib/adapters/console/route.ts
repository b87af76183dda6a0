import { format } from 'node:util'
import { isError, type Level } from '../../event'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { enter, type Told, takerOf } from '../enter'
import { type ConsoleLike, type ConsoleMethod, patchConsole, TEXT_METHODS, type TextMethod } from './patch'

/** Options of `routeConsole`. */
export interface RouteConsoleOptions {
  /**
   * The logger name of the events.
   * @default 'console'
   */
  readonly logger?: string
  /**
   * The console to change.
   * @default the global one
   */
  readonly target?: ConsoleLike
}

const LEVEL: Readonly<Record<TextMethod, Level>> = {
  trace: 'trace',
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
}

/* These print through `console.log`, several lines a call or with a state of their own, and stay as they are. */
const LEFT_ALONE = ['table', 'group', 'groupCollapsed', 'dirxml']

const consoleTarget: Rule = (value) => (typeof value === 'object' && value !== null ? undefined : 'a console')

/**
 * Makes each call of `console.log`, `info`, `warn`, `error`, `debug` and `trace` an event of our logger instead of a text on stdout or stderr.
 *
 * The message is the text that the console would have printed (`util.format`), except that the first Error that no placeholder takes is `err`, with
 * stack and cause. `console.trace` has its stack in the field `stack`. What Node prints through these methods, `count`, `timeEnd`,
 * `assert`, becomes an event too; `table`, `dir`, `dirxml` and `group` print as before. What is printed while an event is made (by a getter or
 * `toJSON`, or by a listener of our diagnostics channels) goes to the console as it did without, so nothing can turn in a circle.
 *
 * The returned function restores the console exactly. Calling it twice changes nothing more; throws ERR_TRACELANE_CONSOLE_PATCHED after
 * `traceConsole`, and ERR_TRACELANE_OPTION_* for wrong options.
 */
export function routeConsole(options: RouteConsoleOptions = {}): () => void {
  checkOptions('routeConsole', options, { logger: rules.string, target: consoleTarget })
  const { logger = 'console', target = console } = options
  return patchConsole(target, 'routeConsole', (replace) => {
    // The console is printing by itself: what is called now is for it.
    let printing = false
    const printWith = (original: ConsoleMethod): ConsoleMethod =>
      function printed(this: unknown, ...args: unknown[]): void {
        const before = printing
        printing = true
        try {
          original.apply(this, args)
        } finally {
          printing = before
        }
      }
    for (const method of LEFT_ALONE) replace(method, printWith)
    for (const method of TEXT_METHODS) {
      replace(method, (original, isActive) => {
        const level = LEVEL[method]
        return function routed(this: unknown, ...args: unknown[]): void {
          if (printing || !isActive()) {
            original.apply(this, args)
            return
          }
          const take = takerOf(logger, level)
          if (take === undefined) return
          printing = true
          try {
            enter(level, logger, () => (method === 'trace' ? withStack(args, routed) : toldBy(args)), take, routed)
          } finally {
            printing = false
          }
        }
      })
    }
  })
}

const PLACEHOLDER = /%[sdifjoOc%]/g

/* An error for which there is no placeholder would be printed with its stack after the text. */
function toldBy(args: readonly unknown[]): Told {
  const [first] = args
  const taken = typeof first === 'string' ? 1 + (first.match(PLACEHOLDER) ?? []).filter((one) => one !== '%%').length : 0
  const at = args.findIndex((arg, i) => i >= taken && isError(arg))
  if (at === -1) return { msg: format(...args) }
  const err = args[at] as Error
  const others = args.filter((_, i) => i !== at)
  return { msg: others.length === 0 ? err.message : format(...others), err }
}

function withStack(args: readonly unknown[], below: ConsoleMethod): Told {
  const told = toldBy(args)
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, below)
  return { ...told, fields: { stack: here.stack?.split('\n').slice(1).join('\n') } }
}
