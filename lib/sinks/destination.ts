import { innerSinks, isDecorated } from './decorators'
import type { LeafSinkSpec, SinkSpec } from './sink'

/** Names where a sink writes to, for people; two sinks of one name write to the same place. */
export function destinationOf(spec: SinkSpec): string {
  if (!isDecorated(spec)) return leafDestination(spec)
  const names = [...new Set(innerSinks(spec).map(destinationOf))]
  if (spec.kind === 'failover') return names.join(', else ')
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function leafDestination(spec: LeafSinkSpec): string {
  switch (spec.kind) {
    case 'console':
      return spec.options.stderrFrom === undefined ? spec.options.stream : 'stdout and stderr'
    case 'file':
      return `the file ${spec.options.path}`
    case 'rolling-file':
      return spec.options.path === undefined ? `the files ${spec.options.filePattern}` : `the file ${spec.options.path}`
    case 'elasticsearch':
      return `${addressOf(spec.options.url)} (index ${spec.options.index})`
    case 'http':
    case 'otlp':
      return addressOf(spec.options.url)
    case 'kafka':
      return `the topic ${spec.options.topic} of ${spec.options.brokers.join()}`
    case 'rocketmq':
      return `the topic ${spec.options.topic} of ${spec.options.endpoints.join()}`
  }
}

/* A path or a query may be a password; a number in its place tells two of them apart. */
function addressOf(text: string): string {
  const { origin, pathname, search } = new URL(text)
  return pathname === '/' && search === '' ? origin : `${origin} (path ${hashOf(pathname + search)})`
}

/* FNV-1a. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
