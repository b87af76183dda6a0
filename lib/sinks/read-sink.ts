import { checkOptions, type Rule } from '../internal/options'
import { type ConsoleSinkOptions, consoleSink } from './console'
import {
  circuitBreaking,
  type DecoratorSpec,
  failover,
  filtering,
  isDecorated,
  retrying,
  routing,
  spooling,
  tee,
  throttling,
} from './decorators'
import { type ElasticsearchSinkOptions, elasticsearchSink } from './elasticsearch'
import { type FileSinkOptions, fileSink } from './file'
import { type HttpSinkOptions, httpSink } from './http'
import { type KafkaSinkOptions, kafkaSink } from './kafka'
import { type OtlpSinkOptions, otlpSink } from './otlp'
import { type RocketmqSinkOptions, rocketmqSink } from './rocketmq'
import { type RollingFileSinkOptions, rollingFileSink } from './rolling-file'
import type { SinkSpec } from './sink'

type OptionsOf<K extends DecoratorSpec['kind']> = Extract<DecoratorSpec, { readonly kind: K }>['options']

const KINDS: Readonly<Record<SinkSpec['kind'], (options: never) => SinkSpec>> = {
  console: (options: ConsoleSinkOptions) => consoleSink(options),
  file: (options: FileSinkOptions) => fileSink(options),
  'rolling-file': (options: RollingFileSinkOptions) => rollingFileSink(options),
  elasticsearch: (options: ElasticsearchSinkOptions) => elasticsearchSink(options),
  http: (options: HttpSinkOptions) => httpSink(options),
  kafka: (options: KafkaSinkOptions) => kafkaSink(options),
  otlp: (options: OtlpSinkOptions) => otlpSink(options),
  rocketmq: (options: RocketmqSinkOptions) => rocketmqSink(options),
  retrying: ({ sink, ...options }: OptionsOf<'retrying'>) => retrying(sink, options),
  failover: ({ sinks, ...options }: OptionsOf<'failover'>) => failover(sinks, options),
  tee: (options: OptionsOf<'tee'>) => {
    checkOptions('tee', options, { sinks: () => undefined }, ['sinks'])
    return tee(options.sinks)
  },
  routing: (options: OptionsOf<'routing'>) => routing(options),
  filtering: ({ sink, ...options }: OptionsOf<'filtering'>) => filtering(sink, options),
  throttling: ({ sink, ...options }: OptionsOf<'throttling'>) => throttling(sink, options),
  spooling: ({ sink, ...options }: OptionsOf<'spooling'>) => spooling(sink, options),
  'circuit-breaking': ({ sink, ...options }: OptionsOf<'circuit-breaking'>) => circuitBreaking(sink, options),
}

const optionsRule: Rule = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object of options')

/** What a sink as data must look like at first sight. */
export const sinkRule: Rule = (value) =>
  Object.hasOwn(KINDS, (value as { kind?: unknown } | null | undefined)?.kind as string)
    ? undefined
    : 'a sink, as fileSink(), httpSink() or another of the sinks returns it, or a decorator of sinks, such as retrying()'

/**
 * A sink from data that passed `sinkRule`: `{ kind, options }`, where `options` may leave out what has a default, as in a file of
 * options. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function readSink(data: SinkSpec): SinkSpec {
  checkOptions(`sink '${data.kind}'`, data, { kind: () => undefined, options: optionsRule, shared: () => undefined })
  // A decorator takes its options apart, and then says itself what it lacks.
  return KINDS[data.kind]((data.options ?? (isDecorated(data) ? {} : undefined)) as never)
}
