import { nanosOf, ProtobufWriter } from './protobuf'
import type { Attributes, LogRecord, SpanRecord } from './record'

/** Records of one resource and one instrumentation scope. */
export interface Group<T> {
  readonly resource: Attributes
  readonly scopes: Map<string, T[]>
}

/** One request's worth of records, in the groups that OTLP wants. */
export class Groups<T> {
  readonly #byResource = new Map<Attributes, Group<T>>()

  /** Records of one resource come with the same object. */
  add(resource: Attributes, scope: string, record: T): void {
    const known = this.#byResource.get(resource)
    const group = known ?? { resource, scopes: new Map<string, T[]>() }
    if (known === undefined) this.#byResource.set(resource, group)
    const records = group.scopes.get(scope)
    if (records === undefined) group.scopes.set(scope, [record])
    else records.push(record)
  }

  get isEmpty(): boolean {
    return this.#byResource.size === 0
  }

  get all(): Iterable<Group<T>> {
    return this.#byResource.values()
  }
}

/** The body of a request, in JSON; in protobuf a `LogEncoder` makes it. */
export function logsToJson(groups: Groups<LogRecord>): Buffer {
  return toJson(groups, 'Logs', 'logRecords', logToJson)
}

/** That of a request of spans, as `encoding` says. */
export function encodeSpans(groups: Groups<SpanRecord>, encoding: 'protobuf' | 'json'): Buffer {
  return encoding === 'json' ? toJson(groups, 'Spans', 'spans', spanToJson) : toProtobuf(groups, writeSpan)
}

/* Logs and traces have the same frame: `resource_* = 1`, in it `resource = 1` and `scope_* = 2`, in that `scope = 1` and the records. */
function toProtobuf<T>(groups: Groups<T>, write: (out: ProtobufWriter, record: T) => void): Buffer {
  const out = new ProtobufWriter()
  for (const { resource, scopes } of groups.all) {
    const whole = out.begin(1)
    const about = out.begin(1)
    writeAttributes(out, 1, resource)
    out.end(about)
    for (const [scope, records] of scopes) {
      const ofScope = out.begin(2)
      const name = out.begin(1)
      out.text(1, scope)
      out.end(name)
      for (const record of records) {
        const one = out.begin(2)
        write(out, record)
        out.end(one)
      }
      out.end(ofScope)
    }
    out.end(whole)
  }
  return out.finish()
}

/** What is in a record. */
export function writeLog(out: ProtobufWriter, record: LogRecord): void {
  const { time, severityNumber, severityText, body, attributes, traceId, spanId, eventName } = record
  out.nanos(1, time)
  out.int(2, severityNumber)
  out.text(3, severityText)
  if (body !== undefined) writeValue(out, 5, body)
  writeAttributes(out, 6, attributes)
  if (traceId !== undefined) out.hex(9, traceId)
  if (spanId !== undefined) out.hex(10, spanId)
  out.nanos(11, time)
  if (eventName !== undefined) out.text(12, eventName)
}

function writeSpan(out: ProtobufWriter, span: SpanRecord): void {
  out.hex(1, span.traceId)
  out.hex(2, span.spanId)
  if (span.parentSpanId !== undefined) out.hex(4, span.parentSpanId)
  out.text(5, span.name)
  out.int(6, span.kind)
  out.nanos(7, span.start)
  out.nanos(8, span.end)
  writeAttributes(out, 9, span.attributes)
  for (const { traceId, spanId } of span.links) {
    const link = out.begin(13)
    out.hex(1, traceId)
    out.hex(2, spanId)
    out.end(link)
  }
  const status = out.begin(15)
  if (span.statusMessage !== undefined && span.status !== 0) out.text(2, span.statusMessage)
  out.int(3, span.status)
  out.end(status)
}

/** Each of `attributes` as one `field`. */
export function writeAttributes(out: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of attributes) {
    const pair = out.begin(field)
    out.text(1, key)
    writeValue(out, 2, value)
    out.end(pair)
  }
}

/* What JSON.parse makes: no cycles and nothing strange. Null is the empty value. */
function writeValue(out: ProtobufWriter, field: number, value: unknown): void {
  const from = out.begin(field)
  if (typeof value === 'string') out.text(1, value)
  else if (typeof value === 'boolean') out.bool(2, value)
  else if (typeof value === 'number') out.number(value)
  else if (Array.isArray(value)) {
    const list = out.begin(5)
    for (const item of value) writeValue(out, 1, item)
    out.end(list)
  } else if (typeof value === 'object' && value !== null) {
    const list = out.begin(6)
    writeAttributes(out, 1, Object.entries(value))
    out.end(list)
  }
  out.end(from)
}

function toJson<T>(groups: Groups<T>, kind: 'Logs' | 'Spans', list: string, of: (record: T) => object): Buffer {
  const resources = [...groups.all].map(({ resource, scopes }) => ({
    resource: { attributes: attributesToJson(resource) },
    [`scope${kind}`]: [...scopes].map(([name, records]) => ({ scope: { name }, [list]: records.map(of) })),
  }))
  return Buffer.from(JSON.stringify({ [`resource${kind}`]: resources }))
}

function logToJson(record: LogRecord): object {
  const time = String(nanosOf(record.time))
  const { severityNumber, severityText, body, attributes, traceId, spanId, eventName } = record
  return {
    ...{ timeUnixNano: time, observedTimeUnixNano: time, severityNumber, severityText },
    ...{ body: body === undefined ? undefined : valueToJson(body), attributes: attributesToJson(attributes) },
    ...{ traceId, spanId, eventName },
  }
}

function spanToJson({ start, end, attributes, status, statusMessage, ...span }: SpanRecord): object {
  return {
    ...span,
    ...{ startTimeUnixNano: String(nanosOf(start)), endTimeUnixNano: String(nanosOf(end)) },
    attributes: attributesToJson(attributes),
    status: { code: status, message: status === 0 ? undefined : statusMessage },
  }
}

function attributesToJson(attributes: Attributes): object[] {
  return attributes.map(([key, value]) => ({ key, value: valueToJson(value) }))
}

function valueToJson(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueToJson) } }
  return typeof value === 'object' && value !== null ? { kvlistValue: { values: attributesToJson(Object.entries(value)) } } : {}
}
