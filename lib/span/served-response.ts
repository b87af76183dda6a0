import type { ServerResponse } from 'node:http'
import { runInScope, type Scope } from '../context'
import { CLOCK_HEADER } from '../propagation'

/** The header that names the trace in each response. */
export const TRACE_ID_HEADER = 'x-trace-id'

/*
 * Node 20 keeps only the last value of a name that is repeated in `writeHead(status, list)` if some header was set before, as ours is.
 */
const LOSES_REPEATED = Number.parseInt(process.versions.node, 10) < 22

/** Sets the headers of ours on `res`, unless its head is written already. */
export function sendTrace(res: ServerResponse, scope: Scope): void {
  try {
    res.setHeader(TRACE_ID_HEADER, scope.context.traceId)
  } catch (error) {
    // Asked when it matters only: looking it up costs as much as a tenth of the header.
    if (res.headersSent) return
    throw error
  }
  if (LOSES_REPEATED) keepRepeated(res)
  if (scope.root.callerSentClock) sendClock(res, scope)
}

/** Has the answer name the trace though the framework takes all headers off: an error's is the one whose trace is wanted most. */
export function keepTraceId(res: ServerResponse): void {
  const id = res.getHeader(TRACE_ID_HEADER)
  if (id === undefined || res.headersSent) return
  const { writeHead } = res
  override(res, 'writeHead', function writeHeadWithTrace(this: ServerResponse, ...args: Parameters<typeof writeHead>) {
    if (!this.headersSent && !this.hasHeader(TRACE_ID_HEADER)) this.setHeader(TRACE_ID_HEADER, id)
    return writeHead.apply(this, args)
  })
}

/* The clock is read when the head is written, because what was logged until then must sort before what the caller logs next. */
function sendClock(res: ServerResponse, scope: Scope): void {
  const { writeHead } = res
  override(res, 'writeHead', function writeHeadWithClock(this: ServerResponse, ...args: Parameters<typeof writeHead>) {
    if (!this.headersSent) this.setHeader(CLOCK_HEADER, scope.root.clock.send())
    return writeHead.apply(this, args)
  })
}

/* Only where no other header has been set: Node would lose the values without us too. */
function keepRepeated(res: ServerResponse): void {
  const { writeHead } = res
  override(res, 'writeHead', function writeHeadWithAll(this: ServerResponse, ...args: unknown[]) {
    const last = args.length - 1
    const list = args[last]
    if (Array.isArray(list) && list.length % 2 === 0 && this.getHeaderNames().every((name) => OURS.has(name))) {
      args[last] = valuesByName(list)
    }
    return writeHead.apply(this, args as Parameters<typeof writeHead>)
  })
}

const OURS = new Set([TRACE_ID_HEADER, CLOCK_HEADER])

function valuesByName(list: readonly unknown[]): Record<string, unknown> {
  const found = new Map<string, [name: string, values: unknown[]]>()
  for (let i = 0; i < list.length; i += 2) {
    const name = String(list[i])
    const entry = found.get(name.toLowerCase())
    const values = [list[i + 1]].flat()
    if (entry === undefined) found.set(name.toLowerCase(), [name, values])
    else entry[1].push(...values)
  }
  return Object.fromEntries([...found.values()].map(([name, values]) => [name, values.length === 1 ? values[0] : values]))
}

/**
 * Makes the callbacks of `write` and `end` run in `scope`.
 *
 * The response to a pipelined request has no socket yet: what is written to it waits in memory, and the callbacks of `write`, from
 * Node 24 on those of `end` too, then run in the trace of the response before it.
 */
export function bindCallbacks(res: ServerResponse, scope: Scope): void {
  const bound = (arg: unknown): unknown =>
    typeof arg === 'function' ? (error: unknown) => runInScope(scope, () => arg(error)) : arg
  const { write, end } = res
  override(res, 'write', function writeInTrace(this: ServerResponse, ...args: unknown[]) {
    return write.apply(this, args.map(bound) as Parameters<typeof write>)
  })
  override(res, 'end', function endInTrace(this: ServerResponse, ...args: unknown[]) {
    return end.apply(this, args.map(bound) as Parameters<typeof end>)
  })
}

/* Like a method of the prototype: writable, and not among the keys of the response. */
function override(res: ServerResponse, method: 'writeHead' | 'write' | 'end', value: unknown): void {
  Object.defineProperty(res, method, { value, writable: true, configurable: true, enumerable: false })
}
