import type { SinkSpec } from './sink'

/** Names where a sink writes to, for people; two sinks of one name write to the same place. */
export function destinationOf(spec: SinkSpec): string {
  return spec.kind === 'file' ? `the file ${spec.options.path}` : spec.options.stream
}
