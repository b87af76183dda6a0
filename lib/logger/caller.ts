import { fileURLToPath } from 'node:url'
import type { Caller } from '../event'

const UNKNOWN: Caller = Object.freeze({ file: 'unknown', line: 0, function: undefined })

/* The function comes as V8 shows it in a stack: `Cart.checkout`, `new Cart`. */
const FUNCTION = /^(.+) \(.*\)$/s

/**
 * Where in the source `callee` was called.
 *
 * It asks V8 for one frame of the stack, unformatted, which takes a few microseconds. The place is that of the code that runs: of what a compiler
 * wrote, if there was one.
 */
export function callerOf(callee: (...args: never[]) => unknown): Caller {
  const { stackTraceLimit, prepareStackTrace } = Error
  try {
    Error.stackTraceLimit = 1
    Error.prepareStackTrace = firstSite
    const holder: { stack?: NodeJS.CallSite | undefined } = {}
    Error.captureStackTrace(holder, callee)
    return placeOf(holder.stack)
  } catch {
    // A realm whose `Error` is frozen
    return UNKNOWN
  } finally {
    restore(stackTraceLimit, prepareStackTrace)
  }
}

function firstSite(_error: Error, [site]: NodeJS.CallSite[]): NodeJS.CallSite | undefined {
  return site
}

function restore(stackTraceLimit: number, prepareStackTrace: typeof Error.prepareStackTrace): void {
  try {
    Error.stackTraceLimit = stackTraceLimit
    Error.prepareStackTrace = prepareStackTrace
  } catch {
    // It was not changed either.
  }
}

function placeOf(site: NodeJS.CallSite | undefined): Caller {
  const file = site?.getFileName()
  if (site === undefined || file === null || file === undefined) return UNKNOWN
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  const name = FUNCTION.exec(site.toString())?.[1]
  return { file: path, line: site.getLineNumber() ?? 0, function: name?.endsWith('<anonymous>') ? undefined : name }
}
