import { currentScope } from '../context'
import { probe } from '../internal/probe'

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const

/** The methods of a console that carry the trace id. */
export type ConsoleLike = Record<(typeof METHODS)[number], (...args: unknown[]) => void>

/**
 * Puts `[<trace id>] ` before what `console.log`, `info`, `warn`, `error`, `debug` and `trace` print inside a trace; outside
 * any trace nothing changes.
 *
 * The returned function restores the console. If somebody else has replaced a method in the meantime, that method is left as it is
 * and ours lets everything pass.
 */
export function traceConsole(target: ConsoleLike = console): () => void {
  const restores = METHODS.map((method) => traceMethod(target, method))
  return () => {
    for (const restore of restores) restore()
  }
}

function traceMethod(target: ConsoleLike, method: keyof ConsoleLike): () => void {
  const original = target[method]
  let active = true
  function traced(this: unknown, ...args: unknown[]): void {
    const scope = active ? currentScope() : undefined
    if (active && probe.logCall !== undefined) probe.logCall(scope)
    const id = scope?.context.traceId
    original.apply(this, id === undefined || args.length === 0 ? args : prefixed(`[${id}]`, args))
  }
  target[method] = traced
  return () => {
    active = false
    if (target[method] === traced) target[method] = original
  }
}

/* The first argument may be a format (`%s`): the id goes into the same text, and hex digits are no placeholders. */
function prefixed(prefix: string, [first, ...rest]: unknown[]): unknown[] {
  return typeof first === 'string' ? [`${prefix} ${first}`, ...rest] : [prefix, first, ...rest]
}
