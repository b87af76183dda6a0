import { basename, extname } from 'node:path'
import { FieldReader, isObject, type JsonObject } from './field-reader'
import { otlpRecords } from './otlp-records'
import { levelInText, readLevel, readSeverity } from './read-level'
import type { LineError, Source, SpanEnd, TraceLine } from './trace-line'

/*
 * Names by which the fields are known: our own first, then pino's, winston's, OpenTelemetry's, ECS's and Google Cloud's.
 * The first that has a usable value counts.
 */
const TRACE_ID = ['traceId', 'trace_id', 'trace.id', 'TraceId', 'logging.googleapis.com/trace']
const SPAN_ID = ['spanId', 'span_id', 'span.id', 'SpanId', 'logging.googleapis.com/spanId']
const PARENT_SPAN_ID = ['parentSpanId', 'parent_span_id', 'parent.id']
const TIME = ['time', 'timestamp', '@timestamp', 'ts']
const LEVEL = ['level', 'log.level', 'severity', 'severityText', 'severity_text', 'lvl']
const SEVERITY_NUMBER = ['severityNumber', 'severity_number']
const LOGGER = ['logger', 'log.logger', 'logger_name']
const MESSAGE = ['msg', 'message', 'body', 'event']
const SERVICE = ['service', 'service.name', 'service_name']
const ERROR = ['err', 'error', 'exception']
const HOST = ['host', 'hostname', 'host.name', 'host.hostname']
const INSTANCE = ['instance', 'tracelane.instance', 'service.instance.id']
const HLC = ['hlc', 'tracelane.hlc']
const SEQ = ['seq', 'tracelane.seq']
const SPAN = ['span', 'tracelane.span']
/* What the ecs and otel layouts say a second time, in the words of those formats. */
const REPEATED = [
  ...['thread', 'process.thread.id', 'thread.id', 'v', 'trace_flags', 'traceFlags', 'ecs.version', 'event.dataset'],
  ...['observedTimeUnixNano', 'flags'],
]
const REPEATED_OF_SPAN = [
  ...['event.duration', 'event.outcome', 'http.request.method', 'http.response.status_code', 'http.response.bytes', 'http.route'],
  ...['url.path', 'server.address', 'server.port', 'error'],
]

const HEX_16 = /^[0-9a-f]{16}$/
const HEX_32 = /^[0-9a-f]{32}$/
/* What a hybrid logical clock can hold, which is far inside what a Date can. */
const MAX_MS = 2 ** 48 - 1
/* 2026-11-21T00:51:45.123Z, also with a space, a comma, no fraction or another zone. */
const ISO_TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?/

/** `readLine` for a line that may have several log records, as the OpenTelemetry Collector writes OTLP. Never throws. */
export function readLines(text: string, traceId: string, source: Source): TraceLine[] {
  const record = parse(text)
  if (record === undefined) return [readText(text, source)]
  const records = otlpRecords(record)
  const lines =
    records === undefined
      ? [readRecord(record, traceId, source)]
      : records.filter((one) => readTraceId(one['traceId']) === traceId).map((one) => readRecord(one, traceId, source))
  return lines.filter((line) => line !== undefined)
}

/**
 * One line of text as a line of trace `traceId`; undefined if the line turns out to belong to another trace.
 *
 * JSON may stand behind a prefix, as `docker compose` and Kubernetes write it. What is no JSON, or is torn, is kept as
 * text. Never throws.
 */
export function readLine(text: string, traceId: string, source: Source): TraceLine | undefined {
  return readLines(text, traceId, source)[0]
}

function parse(text: string): JsonObject | undefined {
  const start = text.indexOf('{')
  if (start === -1) return undefined
  try {
    const value: unknown = JSON.parse(start === 0 ? text : text.slice(start))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function readText(text: string, source: Source): TraceLine {
  const service = fileTitle(source.file)
  return {
    source,
    service,
    process: `${service}#${source.file}`,
    time: readTime(ISO_TIME.exec(text.slice(0, 80))?.[0].replace(',', '.')),
    level: levelInText(text),
    logger: undefined,
    msg: text.trim(),
    spanId: undefined,
    parentSpanId: undefined,
    hlc: undefined,
    instance: undefined,
    seq: undefined,
    err: undefined,
    span: undefined,
    fields: {},
  }
}

function readRecord(record: JsonObject, wanted: string, source: Source): TraceLine | undefined {
  const reader = new FieldReader(record)
  const isEcs = Object.hasOwn(record, 'ecs.version')
  const traceId = reader.take(TRACE_ID, readTraceId)
  if (traceId !== undefined && traceId !== wanted) return undefined
  const service = reader.take(SERVICE, readString) ?? reader.take(['name'], readString) ?? fileTitle(source.file)
  const instance = reader.take(INSTANCE, readString)
  const host = reader.take(HOST, readString)
  const pid = reader.take(['pid', 'process.pid'], readInteger)
  reader.drop(REPEATED)
  const spanId = reader.take(SPAN_ID, readHex16)
  const span = spanId === undefined ? undefined : reader.take(SPAN, readSpanEnd)
  if (span !== undefined) reader.drop(REPEATED_OF_SPAN)
  const parentSpanId = reader.take(PARENT_SPAN_ID, readHex16)
  const time = reader.take(TIME, readTime)
  const level = reader.take(LEVEL, readLevel) ?? reader.take(SEVERITY_NUMBER, readSeverity)
  const logger = reader.take(LOGGER, readString)
  const msg = reader.take(MESSAGE, readString)
  const err = reader.take(ERROR, readError) ?? reader.take(['stack'], (stack) => readStack(stack, msg))
  const hlc = reader.take(HLC, readHex16)
  const seq = reader.take(SEQ, readInteger)
  return {
    source,
    service,
    process: `${service}#${instance ?? (pid === undefined ? source.file : `${host}#${pid}`)}`,
    time,
    level,
    logger,
    msg: msg ?? '',
    spanId,
    parentSpanId,
    hlc,
    instance,
    seq,
    err,
    span,
    fields: isEcs ? withLabels(reader.rest()) : reader.rest(),
  }
}

/* ECS has a user's own fields under `labels`. */
function withLabels({ labels, ...others }: JsonObject): JsonObject {
  return isObject(labels) ? { ...others, ...labels } : { ...others, ...(labels === undefined ? {} : { labels }) }
}

/** The service's name that a file's name suggests: `logs/orders.log` is `orders`. */
function fileTitle(file: string): string {
  return file === '-' ? 'stdin' : basename(file, extname(file))
}

function readString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function readInteger(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined
}

function readHex16(value: unknown): string | undefined {
  return typeof value === 'string' && HEX_16.test(value) ? value : undefined
}

/* Google Cloud writes `projects/<project>/traces/<id>`. */
function readTraceId(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const id = value.slice(value.lastIndexOf('/') + 1).toLowerCase()
  return HEX_32.test(id) ? id : undefined
}

function readTime(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : value
  return typeof time === 'number' && time > 0 && time <= MAX_MS ? time : undefined
}

function readSpanEnd(value: unknown): SpanEnd | undefined {
  if (!isObject(value)) return undefined
  const { kind, name, outcome, durationMs, status, peer, error } = value
  if (typeof kind !== 'string' || typeof name !== 'string' || typeof outcome !== 'string') return undefined
  if (typeof durationMs !== 'number' || !(durationMs >= 0 && durationMs <= MAX_MS)) return undefined
  return {
    kind,
    name,
    outcome,
    durationMs,
    status: typeof status === 'number' ? status : readString(status),
    peer: readString(peer),
    error: readString(error),
  }
}

/* pino and we: { type, message, stack }; ECS: { type, message, stack_trace }. */
function readError(value: unknown): LineError | undefined {
  if (!isObject(value)) return undefined
  const message = readString(value['message'])
  const type = readString(value['type']) ?? readString(value['name'])
  if (message === undefined && type === undefined) return undefined
  return { type: type ?? 'Error', message: message ?? '', stack: readString(value['stack']) ?? readString(value['stack_trace']) }
}

/* winston's format.errors({ stack: true }) puts the stack beside the message, without a type but in its first line. */
function readStack(stack: unknown, msg: string | undefined): LineError | undefined {
  if (typeof stack !== 'string' || stack === '') return undefined
  const [first = ''] = stack.split('\n', 1)
  const named = /^([\w$.]+(?: \[\w+\])?): (.*)$/.exec(first)
  return { type: named?.[1] ?? 'Error', message: named?.[2] ?? msg ?? first, stack }
}
