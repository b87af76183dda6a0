import { instance, type LogEvent, quote, toJson } from '../event'
import { dateFormat } from './date-format'
import { labelsAndFields } from './ecs-fields'
import { viewError } from './error-view'
import type { Layout, Origin } from './layout'
import { viewProcess } from './process-view'
import { type SpanView, viewSpan } from './span-view'
import { stackTrace } from './stack-text'

/* The version of the schema whose names are used; that of Elastic's own loggers for Node. */
const ECS_VERSION = '8.10.0'

/* ECS has no word for what was broken off. */
const OUTCOME: ReadonlyMap<string | undefined, string> = new Map([
  ['ok', 'success'],
  ['error', 'failure'],
])

/**
 * One line of Elastic Common Schema JSON, as the ecs-logging specification has it: `@timestamp`, `log.level` and `message` first,
 * then `ecs.version`.
 *
 * What ECS has no name for is under `tracelane`; with `ordering` also what sorts lines causally and names them for ever.
 */
export function ecsLayout(origin: Origin, ordering: boolean): Layout {
  const who = whoOf(origin)
  const withCaller = origin.caller === true
  const start = ordering ? `,"tracelane.instance":"${instance()}","tracelane.hlc":"` : ''
  const timestamp = dateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 'UTC', 'en')
  return (event, seq) => {
    const { time, level, logger, msg, traceId, spanId, hlc, caller } = event
    let line = `{"@timestamp":"${timestamp(time)}","log.level":"${level}","message":${quote(msg)}`
    line += `,"ecs.version":"${ECS_VERSION}","log.logger":${quote(logger)}${who}`
    if (traceId !== undefined) line += `,"trace.id":"${traceId}","span.id":"${spanId}"`
    if (ordering) line += `${start}${hlc}","tracelane.seq":${seq}`
    if (event.rate !== undefined) line += `,"tracelane.rate":${event.rate}`
    if (event.replayed === true) line += ',"tracelane.replayed":true'
    if (withCaller && caller !== undefined) {
      line += `,"log.origin.file.name":${quote(caller.file)},"log.origin.file.line":${caller.line}`
      if (caller.function !== undefined) line += `,"log.origin.function":${quote(caller.function)}`
    }
    const span = viewSpan(event)
    if (event.err !== undefined) line += `,"error":${errorOf(event)}`
    else if (span?.error !== undefined) line += `,"error":{"message":${quote(span.error)}}`
    if (span !== undefined) line += accessFields(span)
    return `${line}${labelsAndFields(event, span !== undefined)}}\n`
  }
}

function whoOf({ service }: Origin): string {
  const { host, pid, thread } = viewProcess()
  const who = `,"host.hostname":${quote(host)},"process.pid":${pid}${thread === 0 ? '' : `,"process.thread.id":${thread}`}`
  return service === undefined ? who : `,"service.name":${quote(service)},"event.dataset":${quote(`${service}.log`)}${who}`
}

function errorOf({ err }: LogEvent): string {
  const view = viewError(err)
  const type = view.type === '' ? '' : `"type":${quote(view.type)},`
  const code = codeOf(err)
  return `{${type}"message":${quote(view.message)}${code === undefined ? '' : `,"code":${quote(code)}`},"stack_trace":${quote(stackTrace(view))}}`
}

function codeOf(err: unknown): string | undefined {
  try {
    const { code } = err as { code?: unknown }
    return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined
  } catch {
    return undefined
  }
}

/* An access event in ECS's words; the span as it is follows under `tracelane.span`. */
function accessFields(span: SpanView): string {
  const known: Readonly<Record<string, unknown>> = {
    'event.duration': Math.round(span.durationMs * 1e6),
    'event.outcome': OUTCOME.get(span.outcome) ?? 'unknown',
    'http.request.method': span.method,
    'http.response.status_code': span.status,
    'http.response.bytes': span.bytesSent,
    'url.path': span.path,
    'server.address': span.address,
    'server.port': span.port,
    'parent.id': span.parentSpanId,
  }
  return Object.entries(known)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `,"${name}":${toJson(value)}`)
    .join('')
}
