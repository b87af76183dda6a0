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

/** What an object of JSON says. */
export type Fields = Readonly<Record<string, unknown>>

const NAMES: readonly [number, string][] = [
  [SEVERITY.fatal, 'FATAL'],
  [SEVERITY.error, 'ERROR'],
  [SEVERITY.warn, 'WARN'],
  [SEVERITY.info, 'INFO'],
  [SEVERITY.debug, 'DEBUG'],
  [SEVERITY.trace, 'TRACE'],
]
/** The logger of the events at the end of spans. */
export const SPAN_LOGGER = 'tracelane.span'
const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 }
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/
/* What is not an attribute of its own name: said otherwise, or made of several. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['time', 'level', 'logger', 'msg', 'traceId', 'spanId', 'service', 'host', 'hostname', 'pid', 'thread', 'instance'],
  ...['hlc', 'seq', 'err', 'caller', 'rate', 'replayed', 'severityText', 'eventName', 'span', 'parentSpanId'],
])
const WHO = ['service', 'instance', 'host', 'hostname', 'pid', 'thread'] as const

/** Reads lines of the JSON layout, or of pino. One that is no JSON object is a record whose body is the line. */
export class LineReader {
  readonly #ordering: boolean
  readonly #given: Readonly<Record<string, unknown>>
  /* The resources that were met, by what lines say of it; nearly all lines are of the same process as the one before. */
  #who: Fields = {}
  #resource: Attributes = []
  readonly #resources = new Map<string, Attributes>()

  /** `given` are attributes of the resource that win over what lines say. */
  constructor(ordering: boolean, given: Readonly<Record<string, unknown>>) {
    this.#ordering = ordering
    this.#given = given
  }

  /** Lines of one process have the same object as their resource. */
  read(line: string, severity: number): Reading {
    const said = objectOf(line)
    const logger = textOf(said['logger'])
    const span = logger === SPAN_LOGGER ? fieldsOf(said['span']) : undefined
    const traceId = idOf(said['traceId'], TRACE_ID)
    const spanId = idOf(said['spanId'], SPAN_ID)
    const time = typeof said['time'] === 'number' ? said['time'] : Date.now()
    return {
      resource: this.resourceOf(said),
      scope: logger ?? textOf(said['name']) ?? '',
      log: {
        time,
        severityNumber: severity,
        severityText: textOf(said['severityText']) ?? nameOf(severity),
        body: said['msg'],
        attributes: attributesOf(said, span, this.#ordering),
        traceId,
        spanId,
        eventName: textOf(said['eventName']),
      },
      span: span === undefined ? undefined : spanOf(said, span, time, { traceId, spanId }),
    }
  }

  /** The resource of a line that says so of its process; the same object for the same process. */
  resourceOf(said: Fields): Attributes {
    const known = this.#who
    if (!WHO.every((key) => said[key] === known[key]) || this.#resource.length === 0) {
      const made = [
        ...describeWho(said, this.#ordering).filter(([key]) => !Object.hasOwn(this.#given, key)),
        ...Object.entries(this.#given),
      ]
      const key = JSON.stringify(made)
      this.#resource = this.#resources.get(key) ?? made
      this.#resources.set(key, this.#resource)
      this.#who = said
    }
    return this.#resource
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

function describeWho(said: Fields, ordering: boolean): Attributes {
  const resource: Attributes = []
  push(resource, 'service.name', said['service'])
  if (ordering) push(resource, 'service.instance.id', said['instance'])
  push(resource, 'host.name', said['host'] ?? said['hostname'])
  push(resource, 'process.pid', said['pid'])
  push(resource, 'thread.id', said['thread'])
  return resource
}

function push(attributes: Attributes, key: string, value: unknown): void {
  if (value !== undefined) attributes.push([key, value])
}

/* In the names of OpenTelemetry's semantic conventions, as far as there are any; others keep theirs. */
export function attributesOf(said: Fields, span: Fields | undefined, ordering: boolean): Attributes {
  const attributes: Attributes = []
  if (ordering) {
    push(attributes, 'tracelane.hlc', said['hlc'])
    push(attributes, 'tracelane.seq', said['seq'])
  }
  for (const key in said) {
    if (!TAKEN.has(key)) attributes.push([key, said[key]])
    else if (key === 'rate' || key === 'replayed') push(attributes, `tracelane.${key}`, said[key])
    else if (key === 'caller') describeCaller(said[key], attributes)
    else if (key === 'err') describeError(said[key], attributes)
    else if (span === undefined && (key === 'span' || key === 'parentSpanId')) push(attributes, key, said[key])
  }
  if (span !== undefined) describeSpan(said, span, attributes)
  return attributes
}

function describeCaller(caller: unknown, attributes: Attributes): void {
  const fields = fieldsOf(caller)
  push(attributes, 'code.file.path', fields?.['file'])
  push(attributes, 'code.line.number', fields?.['line'])
  push(attributes, 'code.function.name', fields?.['function'])
}

function describeError(err: unknown, attributes: Attributes): void {
  const fields = fieldsOf(err)
  if (fields === undefined) push(attributes, 'err', err)
  push(attributes, 'exception.type', fields?.['type'])
  push(attributes, 'exception.message', fields?.['message'])
  push(attributes, 'exception.stacktrace', fields?.['stack'])
}

function describeSpan(said: Fields, span: Fields, attributes: Attributes): void {
  const method = textOf(span['method'])
  const status = span['status']
  const peer = /^(?<address>.+?)(?::(?<port>\d+))?$/.exec(textOf(span['peer']) ?? '')?.groups
  push(attributes, 'http.request.method', method)
  push(attributes, 'http.route', span['route'])
  if (typeof status === 'number') push(attributes, status >= 100 ? 'http.response.status_code' : 'rpc.grpc.status_code', status)
  if (method !== undefined) push(attributes, 'url.path', textOf(span['name'])?.slice(method.length + 1))
  push(attributes, 'server.address', peer?.['address'])
  push(attributes, 'server.port', peer?.['port'] === undefined ? undefined : Number(peer['port']))
  push(attributes, 'http.response.body.size', span['bytesSent'])
  push(attributes, 'tracelane.outcome', span['outcome'])
  push(attributes, 'tracelane.parent_span_id', said['parentSpanId'])
  push(attributes, 'tracelane.duration_ms', span['durationMs'])
  push(attributes, 'error.message', span['error'])
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

/** The name of the level that is nearest below. */
export function nameOf(severity: number): string {
  return NAMES.find(([from]) => severity >= from)?.[1] ?? ''
}

/** An object of JSON; undefined for what is none. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function idOf(value: unknown, shape: RegExp): string | undefined {
  return typeof value === 'string' && shape.test(value) ? value : undefined
}
