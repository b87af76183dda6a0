import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { resolveSending, type SendingOptions, sendingRules } from '../sending-options'
import { checkConnection, connectionRules, type KafkaConnection, type KafkaConnectionOptions } from './connection'

/** Options of `kafkaSink`. */
export interface KafkaSinkOptions extends KafkaConnectionOptions, SendingOptions {
  /** The topic that lines go to. It is not made here. */
  readonly topic: string
  /**
   * Whether the lines of a trace in a batch are one record (`trace`) or one record each (`line`).
   * @default 'trace'
   */
  readonly packing?: 'trace' | 'line'
  /**
   * After so many events of one trace, its later ones get another key, and so another partition perhaps: from 1 to 1,000,000,000.
   * @default 100000
   */
  readonly maxEventsPerKey?: number
  /**
   * The largest record, in bytes from 1024 to 100,000,000; a line that is larger is refused. Not more than `max.message.bytes` of the topic, less
   * 10 KiB for keys and headers.
   * @default 1000000
   */
  readonly maxRecordBytes?: number
  /** @default 'none' */
  readonly compression?: 'none' | 'gzip' | 'lz4' | 'snappy'
  /**
   * How long a batch may take, from its start until all brokers concerned have it, in milliseconds from 1 to 600,000.
   * @default 10000
   */
  readonly timeoutMs?: number
  /**
   * Whether lines carry `hlc`, `seq` and `instance`, which sort them causally and make each one unique.
   * @default true
   */
  readonly ordering?: boolean
  /**
   * How events become lines (docs/reference/layouts.md).
   * @default 'json'
   */
  readonly layout?: LayoutOption
}

/** `kafkaSink(...)` as data. */
export interface KafkaSinkSpec {
  readonly kind: 'kafka'
  readonly options: Required<Omit<KafkaSinkOptions, keyof KafkaConnectionOptions>> & KafkaConnection
}

/** What the name of a topic must be like. */
export const topicRule: Rule = (value) =>
  typeof value === 'string' && /^(?!\.{1,2}$)[\w.-]{1,249}$/.test(value) ? undefined : 'letters, digits, dots and dashes'

const RULES: Readonly<Record<keyof KafkaSinkOptions, Rule>> = {
  ...connectionRules,
  topic: topicRule,
  packing: rules.oneOf('trace', 'line'),
  maxEventsPerKey: rules.integer(1, 1_000_000_000),
  maxRecordBytes: rules.integer(1_024, 100_000_000),
  compression: rules.oneOf('none', 'gzip', 'lz4', 'snappy'),
  timeoutMs: rules.integer(1, 600_000),
  ordering: rules.boolean,
  layout: () => undefined,
  ...sendingRules,
}

/**
 * Lines as records of an Apache Kafka topic. Those of one trace have the trace id as their key, so they are in one partition, in order; those outside
 * any trace have the `instance`. A batch is delivered when all in-sync replicas have it.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package `@platformatic/kafka`;
 * docs/reference/sinks/kafka.md.
 */
export function kafkaSink(options: KafkaSinkOptions): KafkaSinkSpec {
  checkOptions('kafkaSink', options, RULES, ['brokers', 'topic'])
  const { topic, packing = 'trace', maxEventsPerKey = 100_000, maxRecordBytes = 1_000_000, compression = 'none' } = options
  const { timeoutMs = 10_000, ordering = true, layout = 'json' } = options
  return Object.freeze({
    kind: 'kafka',
    options: Object.freeze({
      ...{ topic, packing, maxEventsPerKey, maxRecordBytes, compression, timeoutMs, ordering },
      // More would be two requests.
      ...resolveSending({ ...options, maxBatchBytes: options.maxBatchBytes ?? maxRecordBytes }),
      ...checkConnection('kafkaSink', options),
      layout: checkLayout<never>('kafkaSink', layout),
    }),
  })
}
