import { NO_FIELDS, newTrace, type Scope, scopeOf } from '../context'
import { traceEnded } from '../event'
import { checkOptions, rules } from '../internal/options'
import { type Carrier, extractFrom, injectInto, messageGetter, messageSetter } from '../propagation'
import { openClientScope } from './client-span'
import { openServerScope } from './server-span'
import { type SpanLink, type SpanRecord, spanEnded } from './span-end'
import { runTimed } from './timed'

/** Options of `injectMessage`, `runMessage` and `runBatch`. */
export interface MessageOptions {
  /** The topic or queue, for the name of the span: `send orders`, `process orders`, `process batch of orders`. */
  readonly destination?: string
  /**
   * Emits an event for the span: when the message is made ready, or when it has been handled.
   * @default true
   */
  readonly spans?: boolean
}

/** A message as the clients of brokers have it: kafkajs and others keep its headers in `headers`, RocketMQ in `properties`. */
export interface TracedMessage {
  readonly headers?: unknown
  readonly properties?: unknown
}

/** Runs the work for one message of a batch in the trace of its sender, and returns what it returns. */
export type RunInMessage = <R>(message: TracedMessage, handle: () => R) => R

const MAX_LINKS = 128
const OPTIONS = { destination: rules.string, spans: rules.boolean }

/**
 * Writes the trace context of this flow into the headers of a message that is about to be sent, under a new span of kind `producer`, and
 * returns the headers; without any it makes a plain object. Outside any trace a new one begins with the message.
 *
 * Trace headers that are there already (of a message that is sent on) are replaced. The span is a moment, so its event comes at once.
 */
export function injectMessage(headers?: undefined, options?: MessageOptions): Record<string, string>
export function injectMessage<H extends object>(headers: H, options?: MessageOptions): H
export function injectMessage(headers: object = {}, options: MessageOptions = {}): object {
  checkOptions('injectMessage', options, OPTIONS)
  const { destination, spans = true } = options
  const scope = openClientScope()
  injectInto(scope.context, headers as Carrier, messageSetter)
  const name = destination === undefined ? 'send' : `send ${destination}`
  if (spans) spanEnded(scope, { kind: 'producer', name, outcome: 'ok', durationMs: 0 })
  return headers
}

/**
 * Calls `handle` in the trace of the sender of a message, in a span of kind `consumer`, and returns what it returns; a new trace begins if
 * the headers have no valid context. What runs around (the loop of the consumer) has no part in it.
 *
 * The headers may be undefined, a plain object, a `Map`, or a list of objects with one header each; values may be bytes. The span ends when
 * `handle` returns or throws, or when its promise settles. Throws what `handle` throws, and for wrong options.
 */
export function runMessage<R>(headers: object | null | undefined, handle: () => R, options: MessageOptions = {}): R {
  checkOptions('runMessage', options, OPTIONS)
  return handled(headers, handle, options, undefined)
}

/**
 * Calls `handle` for a batch of messages and returns what it returns. A batch has many parents, so it gets a new trace, whose span has a
 * link to the sender of each message (at most 128 different ones); `handle` is given a function that runs the work for one message in the
 * trace of its sender, with a link to the batch.
 *
 * Throws what `handle` throws, and for wrong options. Messages are read for their headers only.
 */
export function runBatch<R>(
  messages: Iterable<TracedMessage>,
  handle: (runOne: RunInMessage) => R,
  options: MessageOptions = {},
): R {
  checkOptions('runBatch', options, OPTIONS)
  const { destination, spans = true } = options
  const scope = scopeOf(newTrace(), undefined, NO_FIELDS)
  const { traceId, spanId } = scope.context
  const links = senders(messages)
  const name = destination === undefined ? 'process batch' : `process batch of ${destination}`
  const runOne: RunInMessage = (message, work) => handled(headersOf(message), work, options, { traceId, spanId })
  return runTimed(
    scope,
    () => handle(runOne),
    (end) => finish(scope, { kind: 'consumer', name, ...end, links }, spans),
  )
}

function handled<R>(headers: unknown, work: () => R, options: MessageOptions, batch: SpanLink | undefined): R {
  const { destination, spans = true } = options
  const scope = openServerScope(isHeaders(headers) ? headers : {}, messageGetter)
  const name = destination === undefined ? 'process' : `process ${destination}`
  const links = batch === undefined ? undefined : [batch]
  return runTimed(scope, work, (end) => finish(scope, { kind: 'consumer', name, ...end, links }, spans))
}

function finish(scope: Scope, record: SpanRecord, spans: boolean): void {
  if (spans) spanEnded(scope, record)
  traceEnded({ traceId: scope.context.traceId, failed: record.outcome !== 'ok' }, scope.root)
}

function senders(messages: Iterable<TracedMessage>): SpanLink[] {
  const links = new Map<string, SpanLink>()
  for (const message of messages) {
    if (links.size === MAX_LINKS) break
    const headers = headersOf(message)
    const sender = isHeaders(headers) ? extractFrom(headers, messageGetter) : undefined
    if (sender !== undefined) links.set(sender.spanId, { traceId: sender.traceId, spanId: sender.spanId })
  }
  return [...links.values()]
}

function headersOf(message: TracedMessage | null | undefined): unknown {
  return message?.headers ?? message?.properties
}

function isHeaders(headers: unknown): headers is Carrier {
  return typeof headers === 'object' && headers !== null
}
