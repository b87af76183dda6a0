import { checkOptions, type Rule } from '../internal/options'
import { type ConsoleSinkOptions, consoleSink } from './console'
import { type FileSinkOptions, fileSink } from './file'
import { type HttpSinkOptions, httpSink } from './http'
import { type OtlpSinkOptions, otlpSink } from './otlp'
import { type RollingFileSinkOptions, rollingFileSink } from './rolling-file'
import type { SinkSpec } from './sink'

const KINDS: Readonly<Record<SinkSpec['kind'], (options: never) => SinkSpec>> = {
  console: (options: ConsoleSinkOptions) => consoleSink(options),
  file: (options: FileSinkOptions) => fileSink(options),
  'rolling-file': (options: RollingFileSinkOptions) => rollingFileSink(options),
  http: (options: HttpSinkOptions) => httpSink(options),
  otlp: (options: OtlpSinkOptions) => otlpSink(options),
}

/** What a sink as data must look like at first sight. */
export const sinkRule: Rule = (value) =>
  Object.hasOwn(KINDS, (value as { kind?: unknown } | null)?.kind as string)
    ? undefined
    : 'a sink, as consoleSink(), fileSink(), rollingFileSink(), httpSink() or otlpSink() return it'

/**
 * A sink from data that passed `sinkRule`: `{ kind, options }`, where `options` may leave out what has a default, as in a file of
 * options. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function readSink(data: SinkSpec): SinkSpec {
  checkOptions(`sink '${data.kind}'`, data, { kind: () => undefined, options: () => undefined, shared: () => undefined })
  return KINDS[data.kind](data.options as never)
}
