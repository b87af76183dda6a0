import { SEVERITY } from '../../event'

/** Attributes in order: keys and values as JSON has them. */
export type Attributes = (readonly [key: string, value: unknown])[]

/** What a record says, in the words of OpenTelemetry's log data model. */
export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly severityNumber: number
  readonly severityText: string
  readonly body: unknown
  readonly attributes: Attributes
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly eventName: string | undefined
}

/** A span, in those of its trace data model. */
export interface SpanRecord {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  /** Milliseconds since the epoch. */
  readonly start: number
  readonly end: number
  readonly attributes: Attributes
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** 0 unset, 2 error. */
  readonly status: number
  readonly statusMessage: string | undefined
}

/** What one line is. */
export interface Reading {
  readonly resource: Attributes
  readonly scope: string
  readonly log: LogRecord
  /** At the end of a span. */
  readonly span: SpanRecord | undefined
}

type Fields = Readonly<Record<string, unknown>>

const NAMES: readonly [number, string][] = [
  [SEVERITY.fatal, 'FATAL'],
  [SEVERITY.error, 'ERROR'],
  [SEVERITY.warn, 'WARN'],
  [SEVERITY.info, 'INFO'],
  [SEVERITY.debug, 'DEBUG'],
  [SEVERITY.trace, 'TRACE'],
]
const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/
/* What does not become an attribute of its own name. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['time', 'level', 'logger', 'msg', 'traceId', 'spanId', 'service', 'host', 'hostname', 'pid', 'thread', 'instance'],
  ...['hlc', 'seq', 'err', 'caller', 'rate', 'replayed', 'severityText', 'eventName', 'span', 'parentSpanId'],
])

/** Reads a line of the JSON layout, or of pino. One that is no JSON object is a record whose body is the line. */
export function readLine(line: string, severity: number, ordering: boolean): Reading {
  const said = objectOf(line)
  const span = textOf(said['logger']) === 'tracelane.span' ? fieldsOf(said['span']) : undefined
  const ids = { traceId: idOf(said['traceId'], TRACE_ID), spanId: idOf(said['spanId'], SPAN_ID) }
  const time = typeof said['time'] === 'number' ? said['time'] : Date.now()
  return {
    resource: resourceOf(said, ordering),
    scope: textOf(said['logger']) ?? textOf(said['name']) ?? '',
    log: {
      ...{ time, severityNumber: severity, severityText: textOf(said['severityText']) ?? nameOf(severity) },
      ...{ body: 'msg' in said ? said['msg'] : undefined, attributes: attributesOf(said, span, ordering), ...ids },
      eventName: textOf(said['eventName']),
    },
    span: span === undefined ? undefined : spanOf(said, span, time, ids),
  }
}

function objectOf(line: string): Fields {
  try {
    const found: unknown = JSON.parse(line)
    return fieldsOf(found) ?? { msg: line }
  } catch {
    return { msg: line.trimEnd() }
  }
}

function resourceOf(said: Fields, ordering: boolean): Attributes {
  const resource: Attributes = []
  const add = (key: string, value: unknown): void => {
    if (value !== undefined) resource.push([key, value])
  }
  add('service.name', said['service'])
  if (ordering) add('service.instance.id', said['instance'])
  add('host.name', said['host'] ?? said['hostname'])
  add('process.pid', said['pid'])
  add('thread.id', said['thread'])
  return resource
}

/* In the names of OpenTelemetry's semantic conventions, as far as there are any; others keep theirs. */
function attributesOf(said: Fields, span: Fields | undefined, ordering: boolean): Attributes {
  const attributes: Attributes = []
  const add = (key: string, value: unknown): void => {
    if (value !== undefined) attributes.push([key, value])
  }
  if (ordering) {
    add('tracelane.hlc', said['hlc'])
    add('tracelane.seq', said['seq'])
  }
  add('tracelane.rate', said['rate'])
  add('tracelane.replayed', said['replayed'])
  const caller = fieldsOf(said['caller'])
  add('code.file.path', caller?.['file'])
  add('code.line.number', caller?.['line'])
  add('code.function.name', caller?.['function'])
  const err = fieldsOf(said['err'])
  if (err === undefined) add('err', said['err'])
  add('exception.type', err?.['type'])
  add('exception.message', err?.['message'])
  add('exception.stacktrace', err?.['stack'])
  if (span === undefined) {
    add('span', said['span'])
    add('parentSpanId', said['parentSpanId'])
  } else describeSpan(said, span, add)
  for (const [key, value] of Object.entries(said)) if (!TAKEN.has(key)) add(key, value)
  return attributes
}

function describeSpan(said: Fields, span: Fields, add: (key: string, value: unknown) => void): void {
  const method = textOf(span['method'])
  const status = span['status']
  const peer = /^(?<address>.+?)(?::(?<port>\d+))?$/.exec(textOf(span['peer']) ?? '')?.groups
  add('http.request.method', method)
  add('http.route', span['route'])
  if (typeof status === 'number') add(status >= 100 ? 'http.response.status_code' : 'rpc.grpc.status_code', status)
  if (method !== undefined) add('url.path', textOf(span['name'])?.slice(method.length + 1))
  add('server.address', peer?.['address'])
  add('server.port', peer?.['port'] === undefined ? undefined : Number(peer['port']))
  add('http.response.body.size', span['bytesSent'])
  add('tracelane.outcome', span['outcome'])
  add('tracelane.parent_span_id', said['parentSpanId'])
  add('tracelane.duration_ms', span['durationMs'])
  add('error.message', span['error'])
}

function spanOf(
  said: Fields,
  span: Fields,
  end: number,
  { traceId, spanId }: Pick<LogRecord, 'traceId' | 'spanId'>,
): SpanRecord | undefined {
  if (traceId === undefined || spanId === undefined) return undefined
  const durationMs = typeof span['durationMs'] === 'number' ? span['durationMs'] : 0
  const links = Array.isArray(span['links']) ? span['links'].flatMap(linkOf) : []
  return {
    ...{ traceId, spanId, parentSpanId: idOf(said['parentSpanId'], SPAN_ID), links },
    ...{ name: nameOfSpan(span), kind: KINDS[textOf(span['kind']) ?? ''] ?? 0, start: end - durationMs, end },
    attributes: attributesOf(said, span, false).filter(([key]) => !/^tracelane\.(parent_span_id|duration_ms)$/.test(key)),
    status: span['outcome'] === 'ok' ? 0 : 2,
    statusMessage: textOf(span['error']),
  }
}

/* The name is for grouping: of a request served the method and its route, as the conventions say. */
function nameOfSpan(span: Fields): string {
  const method = textOf(span['method'])
  if (method === undefined) return textOf(span['name']) ?? ''
  const route = textOf(span['route'])
  return route === undefined ? method : `${method} ${route}`
}

function linkOf(link: unknown): SpanRecord['links'] {
  const traceId = idOf(fieldsOf(link)?.['traceId'], TRACE_ID)
  const spanId = idOf(fieldsOf(link)?.['spanId'], SPAN_ID)
  return traceId === undefined || spanId === undefined ? [] : [{ traceId, spanId }]
}

function nameOf(severity: number): string {
  return NAMES.find(([from]) => severity >= from)?.[1] ?? ''
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function idOf(value: unknown, shape: RegExp): string | undefined {
  return typeof value === 'string' && shape.test(value) ? value : undefined
}
