import { type LogEvent, quote, toJson } from '../event'
import { eachShown, plainText } from './field-text'

/*
 * Field sets of ECS of which no field is written here for every event, so that what a user gives under their names can stand as it is:
 * `{ 'event.action': 'login' }`, `{ url: { path: '/' } }`.
 */
const FREE_SETS: ReadonlySet<string> = new Set([
  ...['agent', 'as', 'client', 'cloud', 'container', 'data_stream', 'destination', 'device', 'dll', 'dns', 'email'],
  ...['event', 'faas', 'file', 'geo', 'group', 'http', 'network', 'observer', 'orchestrator', 'organization', 'package'],
  ...['registry', 'related', 'rule', 'server', 'source', 'threat', 'tls', 'transaction', 'url', 'user', 'user_agent'],
  ...['volume', 'vulnerability'],
])

/* Names in those sets that the line may have itself. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['event.dataset', 'event.duration', 'event.outcome', 'http.request.method', 'http.response.status_code'],
  ...['http.response.bytes', 'url.path', 'server.address', 'server.port'],
])

/* Texts of our own that have a place of their own. */
const OWN: ReadonlyMap<string, string> = new Map([
  ['user', 'user.name'],
  ['task', 'tracelane.task'],
])

/* What Elasticsearch would read as nesting: ecs-logging's rule for keys of labels. */
const UNSAFE_IN_LABEL = /[.*\\]/g

/**
 * The MDC and the fields of a call, with a leading comma, or nothing.
 *
 * A field that names a field of ECS stands as it is. Everything else goes under `labels`, the place that ECS has for what is the
 * user's own: there any two services may use one name, because every value is a text (a keyword), an object being its JSON.
 */
export function labelsAndFields(event: LogEvent, isSpan: boolean): string {
  let top = ''
  const labels = new Map<string, string>()
  const seen = new Set<string>()
  eachShown(event, (key, value) => {
    // Said already, as parent.id
    if (isSpan && key === 'parentSpanId') return
    const json = toJson(value)
    const place = isOurs(key, event.logger) ? `tracelane.${key}` : placeOf(key, json, isSpan)
    if (place !== undefined && !seen.has(place)) {
      seen.add(place)
      top += `,${quote(place)}:${json}`
    } else labels.set(freeName(key.replace(UNSAFE_IN_LABEL, '_'), labels), plainText(json))
  })
  if (labels.size === 0) return top
  return `${top},"labels":{${[...labels].map(([key, text]) => `${quote(key)}:${quote(text)}`).join(',')}}`
}

/* The records of the kit's own events. */
function isOurs(key: string, logger: string): boolean {
  return (key === 'span' && logger === 'tracelane.span') || (key === 'taskEnd' && logger === 'tracelane.task')
}

function freeName(name: string, labels: ReadonlyMap<string, string>): string {
  return labels.has(name) ? freeName(`${name}_`, labels) : name
}

/* The name under which a field stands beside the line's own; undefined: it is a label. */
function placeOf(key: string, json: string, isSpan: boolean): string | undefined {
  const [kind] = json
  if (kind === '"' && OWN.has(key)) return OWN.get(key)
  if (key === 'tags') return kind === '[' ? key : undefined
  const dot = key.indexOf('.')
  const set = dot === -1 ? key : key.slice(0, dot)
  if (!FREE_SETS.has(set) || TAKEN.has(key)) return undefined
  if (dot !== -1) return key.endsWith('.') || key.includes('..') ? undefined : key
  return kind === '{' && set !== 'event' && !isSpan ? key : undefined
}
