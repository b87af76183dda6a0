import { currentScope } from '../../context'
import { probe } from '../../internal/probe'
import { type ConsoleLike, patchConsole, TEXT_METHODS } from './patch'

/**
 * Puts `[<trace id>] ` before what `console.log`, `info`, `warn`, `error`, `debug` and `trace` print inside a trace; outside
 * any trace nothing changes.
 *
 * The returned function restores the console. If somebody else has replaced a method in the meantime, that method is left as it is
 * and ours lets everything pass. Calling it twice changes nothing more; throws ERR_TRACELANE_CONSOLE_PATCHED after `routeConsole`.
 */
export function traceConsole(target: ConsoleLike = console): () => void {
  return patchConsole(target, 'traceConsole', (replace) => {
    // `console.trace` prints through `console.error`.
    let printing = false
    for (const method of TEXT_METHODS) {
      replace(
        method,
        (original, isActive) =>
          function traced(this: unknown, ...args: unknown[]): void {
            const before = printing
            const applies = isActive() && !before
            const scope = applies ? currentScope() : undefined
            if (applies && probe.logCall !== undefined) probe.logCall(scope)
            const id = scope?.context.traceId
            printing = true
            try {
              original.apply(this, id === undefined || args.length === 0 ? args : prefixed(`[${id}]`, args))
            } finally {
              printing = before
            }
          },
      )
    }
  })
}

/* The first argument may be a format (`%s`): the id goes into the same text, and hex digits are no placeholders. */
function prefixed(prefix: string, [first, ...rest]: unknown[]): unknown[] {
  return typeof first === 'string' ? [`${prefix} ${first}`, ...rest] : [prefix, first, ...rest]
}
