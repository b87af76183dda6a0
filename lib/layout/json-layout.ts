import { hostname } from 'node:os'
import { errorToJson, instance, type LogEvent, quote, reasonOf, SEVERITY, toJson } from '../event'
import { workerThreads } from '../internal/builtin'
import type { Layout, Origin } from './layout'

/* Names that the event itself uses, with the type that it gives them (docs/reference/log-event.md). */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['time', 'number'],
  ['level', 'string'],
  ['logger', 'string'],
  ['msg', 'string'],
  ['service', 'string'],
  ['host', 'string'],
  ['pid', 'number'],
  ['thread', 'number'],
  ['instance', 'string'],
  ['traceId', 'string'],
  ['spanId', 'string'],
  ['hlc', 'string'],
  ['seq', 'number'],
  ['err', 'object'],
  ['task', 'string'],
  ['user', 'string'],
  ['caller', 'object'],
  ['rate', 'number'],
])

/* Names that are on every line already, so that a field of any type would make the key occur twice. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  ...['time', 'level', 'logger', 'msg', 'service', 'host', 'pid', 'thread', 'instance'],
  ...['traceId', 'spanId', 'hlc', 'seq'],
])

/* Set by `withTask` through the MDC, so an MDC entry of that name is the real one. */
const FROM_MDC: ReadonlySet<string> = new Set(['task', 'user'])

const LEVEL_PREFIX: ReadonlyMap<string, string> = new Map(
  Object.keys(SEVERITY).map((level) => [level, `,"level":"${level}","logger":`]),
)

/**
 * One JSON object a line, as docs/reference/log-event.md has it.
 *
 * With `ordering`, lines carry `hlc`, `seq` and `instance`: what sorts them causally and names them for ever.
 */
export function jsonLayout(origin: Origin, ordering: boolean): Layout {
  const service = origin.service === undefined ? '' : `,"service":${quote(origin.service)}`
  const { threadId } = workerThreads()
  const thread = threadId === 0 ? '' : `,"thread":${threadId}`
  const who = `${service},"host":${quote(hostname())},"pid":${process.pid}${thread}`
  const tail = ordering ? `${who},"instance":"${instance()}"` : who
  const withCaller = origin.caller === true
  return (event, seq) => {
    let line = `{"time":${event.time}${LEVEL_PREFIX.get(event.level)}${quote(event.logger)},"msg":${quote(event.msg)}${tail}`
    if (event.traceId !== undefined) line += `,"traceId":"${event.traceId}","spanId":"${event.spanId}"`
    if (ordering) line += `,"hlc":"${event.hlc}","seq":${seq}`
    if (event.err !== undefined) line += `,"err":${errorToJson(event.err)}`
    if (withCaller && event.caller !== undefined) line += `,"caller":${toJson(event.caller)}`
    return `${line}${fieldsOf(event)}}\n`
  }
}

function fieldsOf({ mdc, fields, err }: LogEvent): string {
  let text = ''
  for (const key in mdc) {
    if (fields !== undefined && Object.hasOwn(fields, key)) continue
    text += `,${quote(FROM_MDC.has(key) ? key : safeName(key, mdc[key], err))}:${toJson(mdc[key])}`
  }
  if (fields === undefined) return text
  for (const key of Object.keys(fields)) {
    const value = read(fields, key)
    if (value !== undefined) text += `,${quote(safeName(key, value, err))}:${toJson(value)}`
  }
  return text
}

function safeName(key: string, value: unknown, err: unknown): string {
  const taken = ALWAYS_THERE.has(key) || (key === 'err' && err !== undefined) || RESERVED.get(key) === typeof value
  return taken ? `_${key}` : key
}

function read(fields: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return fields[key]
  } catch (error) {
    return `[getter threw: ${reasonOf(error)}]`
  }
}
