import { currentScope, HybridClock, type Scope } from '../../context'
import { captureEvent, isError, type LogEvent } from '../../event'
import { lineScope } from '../line-scope'
import { errorGivenTo } from './error-of-info'
import type { Info, WinstonLike } from './winston-like'

/*
 * winston's logger is a stream. What runs behind `write` (formats, transports) runs in the flow that logs only as long as nobody is slow:
 *
 *   logger.info(..) ──▶ write ──▶ [buffer] ──▶ formats ──▶ [buffer] ──▶ transports
 *                         │
 *                         └ the last place that is certainly inside the call: here a copy of the entry gets the trace,
 *                           as fields (attachTrace), or under a symbol that only our transport reads (captureCalls)
 */

/** What our transport finds in an entry: who called, and the error that was given. */
export interface Captured {
  /** An event that says nothing yet. */
  readonly event: LogEvent
  readonly scope: Scope | undefined
  readonly err: Error | undefined
  /** The names under which our transports have taken it. */
  readonly takenAs: Set<string>
}

const CAPTURED = Symbol.for('tracelane.winston.captured')
const ATTACHED = Symbol.for('tracelane.winston.attached')

interface Attachment {
  asFields: boolean
  forTransport: boolean
}

/**
 * Makes a winston logger that exists already add `traceId`, `spanId`, `hlc` and the MDC to each line, and returns it.
 *
 * Its children, those made before too, are covered. The entry is copied first, so an object that several requests log at
 * a time keeps its own id in each line. Calling it twice on one logger changes nothing.
 */
export function attachTrace<L extends WinstonLike>(logger: L): L {
  attachmentOf(logger).asFields = true
  return logger
}

/** Makes a logger keep who called with each entry, unseen by formats and other transports. */
export function captureCalls(logger: WinstonLike): void {
  attachmentOf(logger).forTransport = true
}

/** What was captured when the entry was logged; undefined if it was not, or a format has made another object of it. */
export function capturedIn(info: Info): Captured | undefined {
  return info[CAPTURED] as Captured | undefined
}

function attachmentOf(logger: WinstonLike): Attachment {
  const attached = logger as WinstonLike & { [ATTACHED]?: Attachment }
  const known = attached[ATTACHED]
  if (known !== undefined) return known
  const attachment = { asFields: false, forTransport: false }
  const write = logger.write as unknown as (...args: unknown[]) => boolean
  Object.defineProperty(logger, ATTACHED, { value: attachment })
  Object.defineProperty(logger, 'write', {
    value: function writeWithTrace(this: WinstonLike, info: unknown, ...rest: unknown[]): boolean {
      return write.call(this, isObject(info) ? withTrace(info as Info, attachment) : info, ...rest)
    },
    configurable: true,
    writable: true,
  })
  return attachment
}

function withTrace(info: Info, { asFields, forTransport }: Attachment): Info {
  const copy: Info = Object.create(Object.getPrototypeOf(info), Object.getOwnPropertyDescriptors(info))
  if (isError(info)) Object.defineProperty(copy, 'stack', { value: info.stack, configurable: true, writable: true })
  const event = capture(info)
  if (asFields && event.traceId !== undefined) {
    const { mdc, traceId, spanId, hlc } = event
    const fields: Record<string, unknown> = { ...mdc, traceId, spanId, hlc }
    for (const key of Object.keys(fields)) if (!Object.hasOwn(copy, key) || copy[key] === undefined) copy[key] = fields[key]
  }
  if (forTransport)
    copy[CAPTURED] = { event, scope: currentScope(), err: errorGivenTo(info), takenAs: new Set() } satisfies Captured
  return copy
}

function capture(info: Info): LogEvent {
  const { traceId, hlc } = info
  // Then traceMeta has moved the clock for this line already.
  const known = typeof hlc === 'string' && HybridClock.isClock(hlc) && traceId === currentScope()?.context.traceId
  const event = eventIn(known ? currentScope() : lineScope())
  return known ? { ...event, hlc } : event
}

function eventIn(scope: Scope | undefined): LogEvent {
  return captureEvent(scope, { level: 'info', logger: '', msg: '' })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
