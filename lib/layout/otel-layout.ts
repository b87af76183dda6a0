import { instance, type LogEvent, quote, SEVERITY } from '../event'
import { anyValue } from './any-value'
import { viewError } from './error-view'
import { eachShown } from './field-text'
import type { Layout, Origin } from './layout'
import { viewProcess } from './process-view'
import { type SpanView, viewSpan } from './span-view'
import { stackTrace } from './stack-text'

const SEVERITY_FIELDS: ReadonlyMap<string, string> = new Map(
  Object.entries(SEVERITY).map(([level, number]) => [
    level,
    `"severityNumber":${number},"severityText":"${level.toUpperCase()}"`,
  ]),
)

/**
 * One `LogsData` message of OTLP a line, in the JSON encoding of OTLP: what OpenTelemetry's file exporter specification calls a JSON
 * lines file, and the collector's otlpjsonfile receiver reads.
 *
 * The process is the resource, the logger the instrumentation scope, and each line has one log record.
 */
export function otelLayout(origin: Origin, ordering: boolean): Layout {
  const resource = resourceOf(origin, ordering)
  return (event, seq) => {
    const { time, level, logger, msg, traceId, spanId } = event
    const attributes = new Attributes()
    if (ordering) attributes.add('tracelane.hlc', event.hlc).add('tracelane.seq', seq)
    attributes.add('tracelane.rate', event.rate).add('tracelane.replayed', event.replayed)
    if (origin.caller === true) describeCaller(event, attributes)
    describe(event, attributes)
    const ids = traceId === undefined ? '' : `,"traceId":"${traceId}","spanId":"${spanId}","flags":${event.flags ?? 0}`
    const when = `"timeUnixNano":"${time}000000","observedTimeUnixNano":"${time}000000"`
    const said = `${SEVERITY_FIELDS.get(level)},"body":${anyValue(msg)}`
    const record = `{${when},${said},"attributes":[${attributes}]${ids}}`
    return `${resource}"scopeLogs":[{"scope":{"name":${quote(logger)}},"logRecords":[${record}]}]}]}\n`
  }
}

/** A list of key-values in which each key is once; the later one gets a leading `_`. */
class Attributes {
  readonly #keys = new Set<string>()
  #text = ''

  /** Adds what is not undefined. */
  add(key: string, value: unknown): this {
    if (value === undefined) return this
    const name = this.#free(key)
    this.#keys.add(name)
    this.#text += `${this.#text === '' ? '' : ','}{"key":${quote(name)},"value":${anyValue(value)}}`
    return this
  }

  toString(): string {
    return this.#text
  }

  #free(key: string): string {
    return this.#keys.has(key) ? this.#free(`_${key}`) : key
  }
}

function resourceOf({ service }: Origin, ordering: boolean): string {
  const { host, pid, thread } = viewProcess()
  const attributes = new Attributes().add('service.name', service)
  // Without it two starts of one service would be one.
  if (ordering) attributes.add('service.instance.id', instance())
  attributes.add('host.name', host).add('process.pid', pid)
  if (thread !== 0) attributes.add('thread.id', thread)
  return `{"resourceLogs":[{"resource":{"attributes":[${attributes}]},`
}

/* In the names of OpenTelemetry's semantic conventions, as far as there are any. */
function describe(event: LogEvent, attributes: Attributes): void {
  const { err } = event
  if (err !== undefined) describeError(err, attributes)
  const span = viewSpan(event)
  if (span !== undefined) describeAccess(span, attributes)
  eachShown(event, (key, value) => attributes.add(key, value))
}

function describeCaller({ caller }: LogEvent, attributes: Attributes): void {
  attributes.add('code.file.path', caller?.file).add('code.line.number', caller?.line).add('code.function.name', caller?.function)
}

function describeError(err: unknown, attributes: Attributes): void {
  const view = viewError(err)
  if (view.type !== '') attributes.add('exception.type', view.type)
  attributes.add('exception.message', view.message).add('exception.stacktrace', stackTrace(view))
}

function describeAccess(span: SpanView, attributes: Attributes): void {
  attributes
    .add('http.request.method', span.method)
    .add('http.route', span.route)
    .add('http.response.status_code', span.status)
    .add('url.path', span.path)
    .add('server.address', span.address)
    .add('server.port', span.port)
}
